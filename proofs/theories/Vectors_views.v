(** Golden vectors of the procedures that look at views: votes, robust masking, receptive fields, and detection with an
    alert on low confidence. They are computed by the definitions that the theorems are about. What this file prints is kept in
    proofs/vectors_views.txt and compared with the Python functions.

    A line: a word, numbers, " : ", and what Coq says. No label and no mask are -1, and 1 is yes. *)

From Coq Require Import ZArith List QArith String DecimalString.
From Maskcover Require Import Tables Detection LowConfidence Fields Votes FirstPlaces FirstDetection Robust.
Import ListNotations.
Open Scope string_scope.
Open Scope Z_scope.

Definition text (z : Z) : string := NilEmpty.string_of_int (Z.to_int z).

Definition words : list string -> string := concat " ".

Definition line (name : string) (numbers : list Z) (result : string) : string :=
  name ++ " " ++ words (map text numbers) ++ " : " ++ result.

Definition bit (b : bool) : string := if b then "1" else "0".

Definition bits (bs : list bool) : string := concat "" (map bit bs).

Definition label_text (y : label) : string := match y with Some n => text (Z.of_nat n) | None => "-1" end.

(** All lists of n of some values. *)
Fixpoint every {A} (values : list A) (n : nat) : list (list A) :=
  match n with
  | O => [[]]
  | S n => flat_map (fun a => map (cons a) (every values n)) values
  end.

(** The number of a view and a class in a list, view by view. *)
Definition entry (classes : nat) (numbers : list Z) (v c : nat) : Z := nth (v * classes + c) numbers 0.

(** The sets of views that a run of [length] cells can touch, one cell a view. *)
Definition runs (views length : nat) : list (nat -> bool) :=
  map (fun first v => Nat.leb first v && Nat.ltb v (first + length))%bool (seq 0 (S views - length)).

(** votes views classes low high scores : label, then for regions of one cell and of two, all views relied on and all
    but the first, a bit for each true label: whether it is certified. *)
Definition votes_line (views classes : nat) (low high : Z) (numbers : list Z) : string :=
  let score := entry classes numbers in
  let certified length relied :=
    bits (map (vote_certified low high (seq 0 views) classes score
      (map (fun touched v => relied v && negb (touched v))%bool (runs views length))) (seq 0 classes)) in
  line "votes" ([Z.of_nat views; Z.of_nat classes; low; high] ++ numbers) (words (
    label_text (vote (seq 0 views) classes score)
    :: flat_map (fun length => map (certified length) [fun _ => true; fun v => negb (Nat.eqb v 0)]) [1; 2]%nat)).

Definition votes_vectors (views classes : nat) (low high : Z) (values : list Z) : list string :=
  map (votes_line views classes low high) (every values (views * classes)).

(** first views classes low high most k scores : the first k labels with commas, - for none, then as for votes. *)
Definition first_line (views classes : nat) (low high most : Z) (k : nat) (numbers : list Z) : string :=
  let score := entry classes numbers in
  let certified length relied :=
    bits (map (first_certified low high most (seq 0 views) classes score
      (map (fun touched v => relied v && negb (touched v))%bool (runs views length)) k) (seq 0 classes)) in
  let names := map (fun c => text (Z.of_nat c)) (first_by_votes (seq 0 views) classes score k) in
  line "first" ([Z.of_nat views; Z.of_nat classes; low; high; most; Z.of_nat k] ++ numbers) (words (
    match names with [] => "-" | _ => concat "," names end
    :: flat_map (fun length => map (certified length) [fun _ => true; fun v => negb (Nat.eqb v 0)]) [1; 2]%nat)).

(** All scores of views of which each gives one of some rows. *)
Definition first_vectors (views classes : nat) (low high most : Z) (k : nat) (rows : list (list Z)) : list string :=
  map (fun chosen => first_line views classes low high most k (List.concat chosen)) (every rows views).

Definition eighths (z : Z) : Q := z # 8.

(** listed threshold alert_below bare mask mask : the labels of the image as it is, whether there is an alert, and for
    each true label two bits, as for low. The image has the first two of three labels; so have masks, with confidences
    in eighths. *)
Definition listed_line (threshold alert_below : Z) (bare : list nat) (masks : list (list (nat * Z))) : string :=
  let said := map (map (fun m => (fst m, eighths (snd m)))) masks in
  let '(answer, alert) := detect_listed (eighths threshold) (eighths alert_below) bare said in
  let counts y := bits (map (lists (eighths threshold) (eighths alert_below) y) said) in
  line "listed"
    ([threshold; alert_below] ++ map Z.of_nat bare
     ++ flat_map (fun m => (map (fun e => Z.of_nat (fst e)) m ++ map snd m)%list) masks)%list
    (words (concat "," (map (fun c => text (Z.of_nat c)) answer) :: bit alert :: map counts [0; 1; 2]%nat)).

Definition pairs_of_labels : list (list nat) := [[0; 1]; [1; 0]; [0; 2]; [2; 1]]%nat.

Definition listed_masks : list (list (nat * Z)) :=
  flat_map (fun labels => map (combine labels) [[4; 2]; [3; 3]; [6; 1]]) pairs_of_labels.

Definition listed_vectors (threshold alert_below : Z) : list string :=
  flat_map (fun bare => map (listed_line threshold alert_below bare) (every listed_masks 2)) pairs_of_labels.

(** robust T windows evidence : the scores, then for regions of no, one and two cells a bit for each true label. T is a
    numerator and a denominator; windows are runs of one or of two of the three cells. *)
Definition robust_line (num den : Z) (length : nat) (numbers : list Z) : string :=
  let evidence := entry 2 numbers in
  let cells := seq 0 3 in
  let windows := runs 3 length in
  line "robust" ([num; den; Z.of_nat length] ++ numbers) (words (
    map (fun c => text (masked_score cells windows num den (fun v => evidence v c))) [0; 1]%nat
    ++ map (fun touched => bits (map (robust_certified cells windows num den 2 evidence (runs 3 touched)) [0; 1]%nat))
         [0; 1; 2]%nat)).

Definition robust_vectors (num den : Z) (length : nat) : list string :=
  map (robust_line num den length) (every [0; 1; 4] 6).

(** fields size stride padding start stop : the first and the last cell, of those on an axis of 7 pixels, that a region
    from [start] up to [stop] touches. *)
Definition fields_line (size stride padding start stop : Z) : string :=
  let cells := (7 + 2 * padding - size) / stride + 1 in
  line "fields" [size; stride; padding; start; stop] (words [
    text (Z.max 0 (first_touched size stride padding start));
    text (Z.min (cells - 1) (last_touched stride padding stop))]).

Definition between (low high : Z) : list Z := map (fun k => low + Z.of_nat k) (seq 0 (Z.to_nat (high - low + 1))).

Definition fields_vectors : list string :=
  flat_map (fun size => flat_map (fun stride => flat_map (fun padding => flat_map (fun start =>
    map (fun stop => fields_line size stride padding start stop) (between (start + 1) (Z.min 7 (start + 3))))
    (between 0 6)) (between 0 (Z.min 2 (size - 1)))) (between 1 3)) (between 1 4).

(** What a mask can say: no label, or a label with one of three confidences, in eighths. *)
Definition verdicts : list (label * Z) :=
  (None, 0) :: flat_map (fun y => map (pair (Some y)) [1; 2; 4]) [0; 1]%nat.

Definition label_number (y : label) : Z := match y with Some n => Z.of_nat n | None => -1 end.

(** low threshold alert_below bare label confidence label confidence : label, whether there is an alert, its mask, and
    for each true label two bits: which of the two masks count for the certificate. Numbers are eighths. Masks without
    a label are not made to count. *)
Definition low_line (threshold alert_below : Z) (bare : label) (masks : list (label * Z)) : string :=
  let first_round := combine [0; 1]%nat (map (fun m => (fst m, eighths (snd m))) masks) in
  let '(answer, alert, mask) := detect_low (eighths threshold) (eighths alert_below) bare first_round in
  let counts y := bits (map (fun v =>
    negb (same (fst (snd v)) None) && guards (eighths threshold) (eighths alert_below) y (snd v))%bool first_round) in
  line "low"
    ([threshold; alert_below; label_number bare] ++ flat_map (fun m => [label_number (fst m); snd m]) masks)
    (words ([label_text answer; bit alert; label_text mask] ++ map counts [0; 1]%nat)).

Definition low_vectors (threshold alert_below : Z) : list string :=
  flat_map (fun bare => map (low_line threshold alert_below bare) (every verdicts 2)) [None; Some 0; Some 1]%nat.

(** One string a line. *)
Set Printing Width 40.
Set Printing Depth 10000.
Compute votes_vectors 4 2 0 1 [0; 1].
Compute votes_vectors 3 3 0 1 [0; 1].
Compute votes_vectors 3 2 (-1) 1 [-1; 0; 1].
Compute votes_vectors 3 2 0 2 [0; 1; 2].
Compute first_vectors 4 3 0 1 1 2 [[0; 0; 0]; [1; 0; 0]; [0; 1; 0]; [0; 0; 1]].
Compute first_vectors 3 3 0 1 2 2 [[0; 0; 0]; [1; 0; 0]; [0; 1; 0]; [0; 0; 1]; [1; 1; 0]; [1; 0; 1]; [0; 1; 1]].
Compute first_vectors 3 3 (-1) 1 6 2 (every [-1; 1] 3).
Compute first_vectors 3 4 0 1 1 3 [[1; 0; 0; 0]; [0; 1; 0; 0]; [0; 0; 1; 0]; [0; 0; 0; 1]].
Compute robust_vectors 0 1 1.
Compute robust_vectors 1 3 1.
Compute robust_vectors 0 1 2.
Compute robust_vectors 1 2 2.
Compute low_vectors 4 2.
Compute low_vectors 2 4.
Compute listed_vectors 2 0.
Compute listed_vectors 3 4.
Compute low_vectors 4 0.
Compute fields_vectors.
