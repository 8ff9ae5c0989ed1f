(** Golden vectors, computed by the definitions that the theorems are about: one fact a line.
    What this file prints is kept in proofs/vectors_geometry.txt and compared with the Python functions. *)

From Coq Require Import ZArith List String DecimalString.
From Maskcover Require Import Cells Axis Folds Products Dominance.
Import ListNotations.
Open Scope string_scope.
Open Scope Z_scope.

Definition text (z : Z) : string := NilEmpty.string_of_int (Z.to_int z).

Definition newline : string := String (Ascii.ascii_of_nat 10) EmptyString.

Definition numbers (zs : list Z) : string := concat " " (map text zs).

Definition line (name : string) (given : list Z) (found : string) : string :=
  newline ++ name ++ " " ++ numbers given ++ " : " ++ found.

Definition from_one (k : Z) : list Z := map (Z.add 1) (below k).

Definition over (k : Z) (f : Z -> string) : string := concat "" (map f (from_one k)).

(** starts n m s : the starts *)
Definition starts_vectors : string := over 12 (fun n => over n (fun m => over n (fun s =>
  line "starts" [n; m; s] (numbers (axis_starts n m s))))).

(** folded n m s f : the starts of masks that lie f times around a patch *)
Definition folded_vectors : string := over 7 (fun n => over n (fun m => over n (fun s => over 3 (fun f =>
  line "folded" [n; m; s; f] (numbers (folded_starts n m s f)))))).

(** eq3 n p k : stride size *)
Definition eq3_vectors : string := over 12 (fun n => over n (fun p => over n (fun k =>
  line "eq3" [n; p; k] (numbers [eq3_stride n p k; eq3_size n p k])))).

Definition shape_text (s : Z * Z) : string := text (fst s) ++ "x" ++ text (snd s).

Definition rectangles_vector (H W A : Z) : string :=
  line "rectangles" [H; W; A] (concat " " (map shape_text (maximal_rectangles H W A))).

(** rectangles H W A : the maximal ones of at most A pixels *)
Definition rectangles_vectors : string := over 12 (rectangles_vector 6 7).

Definition box_text (b : box) : string := concat "x" (map (fun side => text (fst side) ++ "-" ++ text (snd side)) b).

(** product H W p q k l : the boxes for p × q patches and k × l masks *)
Definition product_vectors : string := over 3 (fun p => over 4 (fun q => over 3 (fun k => over 2 (fun l =>
  line "product" [6; 7; p; q; k; l]
    (concat " " (map box_text (choices (map eq3_sides [((6, p), k); ((7, q), l)])))))))).

Set Printing Width 120.
Compute starts_vectors ++ newline.
Compute folded_vectors ++ newline.
Compute eq3_vectors ++ newline.
Compute product_vectors ++ newline.
Compute rectangles_vectors ++ rectangles_vector 224 224 502 ++ newline.
