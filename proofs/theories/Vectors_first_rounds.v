(** Golden vectors of first rounds by pairs and by levels: what Algorithm 1 and challenger masking answer after them, and
    what is certified after levels, as they are proved here. The tests compare the library with them.

    Pairs. A line has the number of masks, that of pairs, the masks of each pair, and the entries of a table, row by row
    from the diagonal on; " : "; then label, case and mask of Algorithm 1 after this first round; then the same of
    challenger masking. No label and no mask are -1.

    Levels. A line begins with "levels". The image is one row of cells, and a mask hides a run of them, "02" cells 0 and
    1. The parts of a line, with " : " between them:
    - the number of cells, and the length of a region: each run of this length is a region;
    - the masks; the masks of each level, levels with " / " between them; the pairs of masks;
    - the views, each with its label: "1100=7" where cells 0 and 1 are hidden and the label is 7;
    - label, case and mask of Algorithm 1 after levels, of challenger masking after levels, and of Algorithm 1 after
      levels and pairs. The case is "level" if a level agrees; a mask is written as above, no mask as -1;
    - for the true labels 0 and 1 whether the image is certified, 1 for yes, and a bit for each region, from the left:
      whether it is on the map. *)

From Coq Require Import List Arith ZArith Ascii String.
From Maskcover Require Import Cells Tables DoubleMasking Challenger FirstRounds.
Import ListNotations.
Local Open Scope string_scope.
Local Open Scope nat_scope.

(** A symmetric table over n masks from its upper triangle: row i of that starts after n + (n - 1) + ... entries. *)
Definition symmetric (n : nat) (entries : list label) (m m' : nat) : label :=
  let row := Nat.min m m' in
  nth (list_sum (map (fun k => n - k) (seq 0 row)) + (Nat.max m m' - row)) entries None.

(** All lists of n of some labels. *)
Fixpoint every (labels : list label) (n : nat) : list (list label) :=
  match n with
  | 0 => [[]]
  | S n => flat_map (fun y => map (cons y) (every labels n)) labels
  end.

Definition digit (n : nat) : string := String (ascii_of_nat (48 + n)) "".

Definition shown (y : option nat) : string := match y with Some n => digit n | None => "-1" end.

Definition words : list string -> string := concat " ".

Definition double_masking_words (answer : ended (label * case nat)) : list string :=
  match answer with
  | Early y => [digit y; "pairs"; "-1"]
  | Later (y, Agreed) => [shown y; "agreed"; "-1"]
  | Later (y, Disagreer d) => [shown y; "disagreer"; digit d]
  | Later (y, Majority) => [shown y; "majority"; "-1"]
  end.

Definition challenger_words (answer : ended (label * ending nat * nat)) : list string :=
  match answer with
  | Early y => [digit y; "pairs"; "-1"]
  | Later (y, AllAgree _, _) => [shown y; "agreed"; "-1"]
  | Later (y, Champion _ c, _) => [shown y; "challenger"; digit c]
  | Later (y, NobodyLeft _, _) => [shown y; "majority"; "-1"]
  end.

Definition vector (n : nat) (pairs : list (nat * nat)) (entries : list label) : string :=
  let T := symmetric n entries in
  words (
    [digit n; digit (List.length pairs)] ++ flat_map (fun p => [digit (fst p); digit (snd p)]) pairs
    ++ map shown entries ++ [":"]
    ++ double_masking_words (pairs_double_masking T lowest_label (fun m => m) (seq 0 n) pairs)
    ++ challenger_words (pairs_challenger T lowest_label (seq 0 n) pairs)).

Definition vectors (n : nat) (labels : list label) (pairs : list (nat * nat)) : list string :=
  map (vector n pairs) (every labels (list_sum (seq 1 n))).

(** One string a line. *)
Set Printing Width 60.
Set Printing Depth 10000.
Compute vectors 2 [None; Some 0; Some 1; Some 2] (pair_up (seq 0 2)).
Compute vectors 3 [None; Some 0; Some 1] (pair_up (seq 0 3)).
Compute vectors 3 [None; Some 0; Some 1] [(2, 1); (0, 0)].
Compute vectors 3 [None; Some 0; Some 1] [(0, 1); (1, 2); (2, 0)].
Compute vectors 4 [Some 0; Some 1] (pair_up (seq 0 4)).
Compute vectors 4 [Some 0; Some 1] [(0, 3); (1, 2)].

(** Levels. *)
Definition run_of_cells := (nat * nat)%type.

Definition mask_of (r : run_of_cells) : mask := [[(Z.of_nat (fst r), Z.of_nat (snd r))]].

Definition ends (m : mask) : list Z := flat_map (flat_map (fun side => [fst side; snd side])) m.

Definition mask_word (m : mask) : string := concat "" (map (fun z => digit (Z.to_nat z)) (ends m)).

Definition run_words (runs : list run_of_cells) : string := words (map (fun r => mask_word (mask_of r)) runs).

Definition cell_of (c : nat) : cell := [Z.of_nat c].

(** An image tells for each cell whether it is visible. *)
Definition clean : image bool := fun _ => true.

Definition hidden : image bool := fun _ => false.

Definition bit (b : bool) : string := if b then "1" else "0".

Definition bits (bs : list bool) : string := concat "" (map bit bs).

(** What is hidden of a row of cells: all that a classifier looks at here. *)
Definition view_of (cells : nat) (z : image bool) : list bool := map (fun c => negb (z (cell_of c))) (seq 0 cells).

Fixpoint same_view (a b : list bool) : bool :=
  match a, b with
  | [], [] => true
  | x :: a, y :: b => Bool.eqb x y && same_view a b
  | _, _ => false
  end.

Fixpoint different (views : list (list bool)) : list (list bool) :=
  match views with
  | [] => []
  | view :: rest => view :: filter (fun other => negb (same_view view other)) (different rest)
  end.

(** All views under unions of two masks, and under masks of levels. *)
Definition views_of (cells : nat) (M : list mask) (levels : list (list mask)) : list (list bool) :=
  different (map (fun masks => view_of cells (hide hidden masks clean))
    (flat_map (fun m => map (fun m' => [m; m']) M) M ++ map (fun m => [m]) (List.concat levels))).

Definition classifier (cells : nat) (views : list (list bool)) (labels : list label) (z : image bool) : label :=
  match find (fun entry => same_view (view_of cells z) (fst entry)) (combine views labels) with
  | Some (_, y) => y
  | None => None
  end.

(** It looks at pixels only, as the theorems ask of a classifier. *)
Fact classifier_respects_pixels cells views labels : respects_pixels (classifier cells views labels).
Proof.
  intros z z' H. unfold classifier, view_of. replace (map (fun c => negb (z (cell_of c))) (seq 0 cells))
    with (map (fun c => negb (z' (cell_of c))) (seq 0 cells)); [reflexivity|].
  apply map_ext. intros c. now rewrite (H (cell_of c)).
Qed.

Definition mask_case (c : case mask) : list string :=
  match c with
  | Agreed => ["agreed"; "-1"]
  | Disagreer d => ["disagreer"; mask_word d]
  | Majority => ["majority"; "-1"]
  end.

Definition mask_ending (e : ending mask) : list string :=
  match e with
  | AllAgree _ => ["agreed"; "-1"]
  | Champion _ c => ["challenger"; mask_word c]
  | NobodyLeft _ => ["majority"; "-1"]
  end.

Definition defended_words (answer : label * case mask) : list string := shown (fst answer) :: mask_case (snd answer).

Definition challenged_words (answer : label * ending mask * nat) : list string :=
  let '(y, e, _) := answer in shown y :: mask_ending e.

Definition ended_words {A} (early : string) (later : A -> list string) (answer : ended A) : list string :=
  match answer with Early y => [digit y; early; "-1"] | Later a => later a end.

Definition level_vector (cells length : nat) (runs : list run_of_cells) (leveled : list (list run_of_cells))
    (numbers : list (nat * nat)) (labels : list label) : string :=
  let M := map mask_of runs in
  let levels := map (map mask_of) leveled in
  let pairs := map (fun p => (nth (fst p) M [], nth (snd p) M [])) numbers in
  let views := views_of cells M levels in
  let F := classifier cells views labels in
  let regions := map (fun start => map cell_of (seq start length)) (seq 0 (S cells - length)) in
  let order := fun m : list mask => m in
  let promised y := [bit (levels_certified bool hidden F M levels clean y regions);
    bits (map (levels_mappedb bool hidden F M levels clean y) regions)] in
  concat " : " [
    words ["levels"; digit cells; digit length]; run_words runs; concat " / " (map run_words leveled);
    words (map (fun p => digit (fst p) ++ digit (snd p))%string numbers);
    words (map (fun entry => bits (fst entry) ++ "=" ++ shown (snd entry))%string (combine views labels));
    words (ended_words "level" defended_words (levels_defended bool hidden F lowest_label order levels M clean)
      ++ ended_words "level" challenged_words (levels_challenged bool hidden F lowest_label levels M clean)
      ++ ended_words "level" (ended_words "pairs" defended_words)
        (levels_first bool hidden F levels (pairs_defended bool hidden F lowest_label order M pairs) clean));
    words (promised 0 ++ promised 1)].

Definition level_vectors (cells length : nat) (labels : list label) (runs : list run_of_cells)
    (leveled : list (list run_of_cells)) (numbers : list (nat * nat)) : list string :=
  map (level_vector cells length runs leveled numbers)
    (every labels (List.length (views_of cells (map mask_of runs) (map (map mask_of) leveled)))).

(** One level, each mask of it a union of two masks. *)
Compute level_vectors 4 2 [None; Some 0; Some 1] [(0, 2); (1, 3); (2, 4)] [[(0, 3); (1, 4)]] [(0, 1); (2, 2)].
(** The same for regions of one cell, some of which lie inside two masks; some tables only. *)
Compute level_vectors 4 1 [Some 0; Some 1] [(0, 2); (1, 3); (2, 4)] [[(0, 3); (1, 4)]] [(0, 1); (2, 2)].
(** Two levels, the first of one mask. *)
Compute level_vectors 4 1 [None; Some 0; Some 1] [(0, 2); (2, 4)] [[(0, 4)]; [(0, 3); (1, 4)]] [(0, 1)].
(** A level that is no coarser: one of its masks is a mask, and another one lies inside it. *)
Compute level_vectors 4 2 [None; Some 0; Some 1; Some 2] [(0, 3); (1, 4)] [[(0, 3); (1, 3); (1, 4)]] [(0, 1)].
