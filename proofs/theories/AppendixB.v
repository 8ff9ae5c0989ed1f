(** Appendix B, "Different patch shapes": six shapes hold every rectangle of at most 1 % of 224×224. *)

From Coq Require Import ZArith List Lia.
From Maskcover Require Import Cells Erosion Axis Products Dominance LowerBounds.
Import ListNotations.
Open Scope Z_scope.

Definition six_shapes : list (Z * Z) := [(5, 224); (12, 83); (23, 38); (39, 20); (84, 12); (224, 5)].

(** Appendix B: every rectangle of at most 502 pixels on 224×224 lies inside one of six shapes.
    The paper's argument, by the height. *)
Theorem six_shapes_hold : forall a b, in_family 224 224 502 (a, b) ->
  exists t, In t six_shapes /\ inside_shape (a, b) t.
Proof.
  intros a b (P & Q & R). simpl in *. unfold inside_shape, six_shapes.
  destruct (Z.le_gt_cases a 5); [exists (5, 224); simpl; split; [tauto | lia]|].
  destruct (Z.le_gt_cases a 12); [exists (12, 83); simpl; split; [tauto | nia]|].
  destruct (Z.le_gt_cases a 23); [exists (23, 38); simpl; split; [tauto | nia]|].
  destruct (Z.le_gt_cases a 39); [exists (39, 20); simpl; split; [tauto | nia]|].
  destruct (Z.le_gt_cases a 84); [exists (84, 12); simpl; split; [tauto | nia]|].
  exists (224, 5); simpl; split; [tauto | nia].
Qed.

(** Hence a set of masks that covers the six shapes covers every rectangle of at most 1 %. *)
Theorem six_shapes_suffice : forall masks,
  (forall a b, In (a, b) six_shapes -> covers masks (box_regions [(224, a); (224, b)])) ->
  forall a b, in_family 224 224 502 (a, b) -> covers masks (box_regions [(224, a); (224, b)]).
Proof.
  intros masks C a b F. destruct (six_shapes_hold a b F) as ((a', b') & I & (J & K)).
  apply larger_shape_suffices with (larger := [(224, a'); (224, b')]); [|apply C, I].
  simpl in I, J, K.
  assert (a' <= 224 /\ b' <= 224) by (repeat (destruct I as [I|I]; [inversion I; lia|]); destruct I).
  repeat constructor; simpl; lia.
Qed.

(** The six product grids at stride 32; a side that is the whole axis needs one mask. *)
Definition six_axis (p : Z) : strided := ((224, p), if p =? 224 then 1 else 32).

Definition six_grid (ab : Z * Z) : list mask :=
  product_masks (map strided_sides [six_axis (fst ab); six_axis (snd ab)]).

Definition six_masks : list mask := flat_map six_grid six_shapes.

(** They are the paper's 168 masks. *)
Theorem six_masks_count : length six_masks = 168%nat.
Proof. reflexivity. Qed.

(** And they cover every rectangle of at most 1 %, anywhere on the image: 1,401,915 placements of maximal ones. *)
Theorem six_masks_cover : forall a b, in_family 224 224 502 (a, b) ->
  covers six_masks (box_regions [(224, a); (224, b)]).
Proof.
  apply six_shapes_suffice. intros a b I. apply covers_incl with (masks := six_grid (a, b)).
  - intros m M. apply in_flat_map. exists (a, b). auto.
  - apply (strided_covers [six_axis a; six_axis b]).
    repeat (destruct I as [I|I]; [inversion I; subst; repeat constructor; simpl; lia|]). destruct I.
Qed.
