(** Golden vectors of first rounds by pairs: what Algorithm 1 and challenger masking answer after them, as they are
    proved here. The tests compare the library with them.

    A line has the number of masks, that of pairs, the masks of each pair, and the entries of a table, row by row from
    the diagonal on; " : "; then label, case and mask of Algorithm 1 after this first round; then the same of
    challenger masking. No label and no mask are -1. *)

From Coq Require Import List Arith Ascii String.
From Maskcover Require Import Tables DoubleMasking Challenger FirstRounds.
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
