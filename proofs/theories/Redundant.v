(** On a cover with a mask to spare the row certificate certifies more than Algorithm 2, from the same table. *)

From Coq Require Import ZArith List Bool.
From Maskcover Require Import Cells Tables DoubleMasking RowTheorem.
Import ListNotations.
Local Open Scope Z_scope.

(** Four cells in a line; two masks hide a half each and cover every patch within a half, a third one is redundant. *)
Definition left_half : mask := [[(0, 2)]].
Definition right_half : mask := [[(2, 4)]].
Definition first_cell : mask := [[(0, 1)]].
Definition masks : list mask := [left_half; right_half; first_cell].

Definition within_a_half : region_set := fun r => inside r (hides left_half) \/ inside r (hides right_half).

(** Pixels: true where something is shown. *)
Definition black : image bool := fun _ => false.
Definition clean : image bool := fun _ => true.

(** A classifier that is wrong only if the first cell alone is hidden. *)
Definition F (x : image bool) : label := if negb (x [0]) && x [1] && x [2] && x [3] then Some 1%nat else Some 0%nat.

Lemma F_pixels : respects_pixels F.
Proof. intros x x' H. unfold F. now rewrite !H. Qed.

Theorem row_certifies_more :
  covers masks within_a_half /\ covers (G bool black F masks clean 0) within_a_half /\
  algorithm_2 bool black F true masks clean 0 = false.
Proof.
  assert (HG : G bool black F masks clean 0 = [left_half; right_half]) by reflexivity.
  rewrite HG. repeat split; intros r [Hr|Hr]; (exists left_half + exists right_half); simpl; now auto.
Qed.

(** And so the image is certified, by the theorem. *)
Corollary certified r : within_a_half r -> safe bool black F masks clean 0 r.
Proof. apply row_certificate; [exact F_pixels | apply row_certifies_more]. Qed.
