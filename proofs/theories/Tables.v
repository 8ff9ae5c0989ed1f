(** Images, hiding, classifiers, and the table of what a classifier says of an image under any two masks. *)

From Coq Require Import ZArith List Bool.
From Maskcover Require Import Cells.
Import ListNotations.

(** A label, or [None]: the scores have no unique finite top. A true label is [Some y], and never [None]. *)
Definition label := option nat.

Definition same (a b : label) : bool :=
  match a, b with
  | Some i, Some j => Nat.eqb i j
  | None, None => true
  | _, _ => false
  end.

Lemma same_iff a b : same a b = true <-> a = b.
Proof.
  destruct a as [i|], b as [j|]; simpl; try (split; congruence).
  rewrite PeanoNat.Nat.eqb_eq. split; congruence.
Qed.

Lemma same_refl a : same a a = true.
Proof. now apply same_iff. Qed.

Lemma same_false a b : same a b = false <-> a <> b.
Proof. rewrite <- same_iff. destruct (same a b); split; congruence. Qed.

(** Whether a mask hides a cell, by computation. *)
Fixpoint in_boxb (c : cell) (b : box) : bool :=
  match c, b with
  | [], [] => true
  | x :: c, (start, stop) :: b => (start <=? x) && (x <? stop) && in_boxb c b
  | _, _ => false
  end.

Lemma in_boxb_iff c b : in_boxb c b = true <-> in_box c b.
Proof.
  unfold in_box. revert b. induction c as [|x c IH]; intros [|[start stop] b]; simpl.
  - now split; constructor.
  - split; [discriminate | inversion 1].
  - split; [discriminate | inversion 1].
  - rewrite !andb_true_iff, Z.leb_le, Z.ltb_lt, IH. split.
    + now constructor.
    + now inversion 1.
Qed.

Definition hidesb (m : mask) (c : cell) : bool := existsb (in_boxb c) m.

Lemma hidesb_iff m c : hidesb m c = true <-> hides m c.
Proof.
  unfold hidesb, hides. rewrite existsb_exists, Exists_exists.
  now setoid_rewrite in_boxb_iff.
Qed.

Section Images.
  Variable pixel : Type.

  Definition image := cell -> pixel.

  (** Two images with the same pixels. The proofs do without an axiom that makes them equal. *)
  Definition alike (x x' : image) : Prop := forall c, x c = x' c.

  (** [x'] is what an attack within the region [r] makes of [x]: outside [r] nothing changes, inside anything may. *)
  Definition differ_inside (r : cells) (x x' : image) : Prop := forall c, ~ r c -> x c = x' c.

  (** Hiding is selection (design, section 8): a hidden cell shows the fill, whatever was there. *)
  Variable fill : image.

  Definition hide (masks : list mask) (x : image) : image :=
    fun c => if existsb (fun m => hidesb m c) masks then fill c else x c.

  (** The one fact that everything stands on: whatever hides [r] makes [x] and [x'] the same image. *)
  Lemma hide_alike r x x' m masks :
    differ_inside r x x' -> inside r (hides m) -> In m masks -> alike (hide masks x) (hide masks x').
  Proof.
    intros Hx Hr Hm c. unfold hide. destruct (existsb _ masks) eqn:E; [reflexivity|].
    apply Hx. intros Hc. apply not_true_iff_false in E. apply E, existsb_exists.
    exists m. split; [assumption|]. now apply hidesb_iff, Hr.
  Qed.

  (** Which masks are hidden counts, not their order, nor how often. *)
  Lemma hide_incl masks masks' x : incl masks masks' -> incl masks' masks -> alike (hide masks x) (hide masks' x).
  Proof.
    intros H H' c. unfold hide.
    replace (existsb (fun m => hidesb m c) masks') with (existsb (fun m => hidesb m c) masks); [reflexivity|].
    apply eq_iff_eq_true. rewrite !existsb_exists. firstorder.
  Qed.

  (** Hiding one mask after the other, as Algorithm 1 does, is hiding both. *)
  Lemma hide_hide masks masks' x : alike (hide masks' (hide masks x)) (hide (masks ++ masks') x).
  Proof.
    intros c. unfold hide. rewrite existsb_app.
    now destruct (existsb _ masks), (existsb _ masks').
  Qed.

  (** What a classifier says of an image depends on its pixels alone. *)
  Definition respects_pixels {A} (F : image -> A) : Prop := forall x x', alike x x' -> F x = F x'.

  Section Classifier.
    Variable A : Type.
    Variable F : image -> A.
    Hypothesis F_pixels : respects_pixels F.

    (** F(x; m, m') of the design. *)
    Definition table (x : image) (m m' : mask) : A := F (hide [m; m'] x).

    Lemma table_symmetric x m m' : table x m m' = table x m' m.
    Proof. apply F_pixels, hide_incl; intros a; simpl; tauto. Qed.

    (** F(x; m, m) = F(x; m). *)
    Lemma table_diagonal x m : table x m m = F (hide [m] x).
    Proof. apply F_pixels, hide_incl; intros a; simpl; tauto. Qed.

    (** Line 7 of Algorithm 1 hides a mask of an image on which another is hidden already. *)
    Lemma table_twice x m m' : table x m m' = F (hide [m'] (hide [m] x)).
    Proof. symmetry. apply F_pixels, (hide_hide [m] [m']). Qed.

    (** The row of a mask that contains the region is out of the attacker's reach. *)
    Lemma table_row r x x' g m : differ_inside r x x' -> inside r (hides g) -> table x' g m = table x g m.
    Proof. intros Hx Hg. symmetry. apply F_pixels. eapply hide_alike; eauto. now left. Qed.
  End Classifier.
End Images.

Arguments alike {pixel}.
Arguments differ_inside {pixel}.
Arguments hide {pixel}.
Arguments respects_pixels {pixel A}.
Arguments table {pixel} fill {A}.
Arguments table_symmetric {pixel} fill {A}.
Arguments table_diagonal {pixel} fill {A}.
Arguments table_row {pixel} fill {A}.
