(** Golden vectors: what Algorithm 1 and challenger masking, as they are proved here, decide on every table over three
    masks and two labels. The tests compare the library with them.

    A line has the six entries of a table, row by row from the diagonal on; then label, case and mask of Algorithm 1;
    then label, case, mask and number of games of challenger masking. No label and no mask are -1. *)

From Coq Require Import List Ascii String.
From Maskcover Require Import Tables DoubleMasking Challenger.
Import ListNotations.
Local Open Scope string_scope.

Definition masks : list nat := [0; 1; 2].

(** A symmetric table from its upper triangle. *)
Definition symmetric (entries : list label) (m m' : nat) : label :=
  let at_ k := nth k entries None in
  match m, m' with
  | 0, 0 => at_ 0
  | 0, 1 | 1, 0 => at_ 1
  | 0, _ | _, 0 => at_ 2
  | 1, 1 => at_ 3
  | 1, _ | _, 1 => at_ 4
  | _, _ => at_ 5
  end.

(** All lists of so many labels. *)
Fixpoint all_entries (n : nat) : list (list label) :=
  match n with
  | 0 => [[]]
  | S n => flat_map (fun y => map (cons y) (all_entries n)) [None; Some 0; Some 1]
  end.

Definition digit (n : nat) : string := String (ascii_of_nat (48 + n)) "".

Definition shown (y : option nat) : string := match y with Some n => digit n | None => "-1" end.

Definition words : list string -> string := concat " ".

Definition double_masking_words (T : nat -> nat -> label) : list string :=
  let (y, how) := double_masking T lowest_label (fun m => m) masks in
  shown y :: match how with
             | Agreed => ["agreed"; "-1"]
             | Disagreer d => ["disagreer"; digit d]
             | Majority => ["majority"; "-1"]
             end.

Definition challenger_words (T : nat -> nat -> label) : list string :=
  let '(y, how, games) := challenger nat T lowest_label masks in
  shown y :: match how with
             | AllAgree _ => ["agreed"; "-1"]
             | Champion _ c => ["challenger"; digit c]
             | NobodyLeft _ => ["majority"; "-1"]
             end ++ [digit games].

Definition vector (entries : list label) : string :=
  let T := symmetric entries in
  words (map shown entries ++ double_masking_words T ++ challenger_words T).

(** One string a line. *)
Set Printing Width 60.
Set Printing Depth 10000.
Compute map vector (all_entries 6).
