(** What the claims of Certificate.v mean in plain words, so that the theorem of a certificate can be read: the boxes and
    the pairs of boxes that it speaks of. *)

From Coq Require Import ZArith List Lia Bool.
From Maskcover Require Import Cells Certificate Boxes Expansion Checker.
Import ListNotations.
Open Scope Z_scope.

Definition extents (b : box) : list Z := map (fun p => snd p - fst p) b.

(** A box that has cells, all of them on the image. *)
Definition lies_on (sides : list Z) (b : box) : Prop :=
  valid (length sides) b = true /\ inside (fun c => in_box c b) (image_of sides).

Lemma box_at_low : forall b c, in_box c b <-> exists d, in_box d (cube (extents b)) /\ c = plus (low b) d.
Proof.
  induction b as [| [l h] b IH]; intros c; split.
  - intros H. inversion H; subst. exists []. split; [constructor | reflexivity].
  - intros [d [H ->]]. inversion H; subst. constructor.
  - intros H. inversion H as [| x ? c' ? Hx Hc]; subst. apply IH in Hc. destruct Hc as [d [Hd ->]].
    exists (x - l :: d). split.
    + constructor; [simpl in *; lia | exact Hd].
    + unfold plus. simpl. f_equal. lia.
  - intros [d [H ->]]. inversion H as [| x ? d' ? Hx Hd]; subst. unfold plus. simpl.
    constructor; [simpl in *; lia |]. apply IH. exists d'. split; [exact Hd | reflexivity].
Qed.

Lemma placed_box : forall sides b, lies_on sides b -> placed sides [cube (extents b)] (fun c => in_box c b).
Proof.
  intros sides b [Hv Hin]. apply valid_spec in Hv. destruct Hv as [Hl _].
  exists (low b). split; [unfold low; rewrite map_length; exact Hl |]. split; [| exact Hin].
  intros c. rewrite box_at_low. split; intros [d [Hd ->]]; exists d; split; try reflexivity.
  - constructor. exact Hd.
  - inversion Hd as [? ? E | ? ? E]; subst; [exact E | inversion E].
Qed.

(** Masks that cover all rectangles of an area hide each box of at most so many cells, on any number of axes. *)
Theorem rectangles_are_hidden : forall ms sides a b,
  covers ms (regions sides (Rectangles a 1 None)) ->
  lies_on sides b -> product (extents b) <= amount_in sides a ->
  exists m, In m ms /\ forall c, in_box c b -> hides m c.
Proof.
  intros ms sides a b Hc Hb Hp. destruct (Hc (fun c => in_box c b)) as [m [Hm H]].
  - exists (extents b). unfold extents at 1. rewrite map_length.
    destruct Hb as [Hv Hin]. apply valid_spec in Hv as V. destruct V as [Hl Hs].
    split; [exact Hl |]. split; [| split; [exact Hp | split; [exact I | apply placed_box; split; assumption]]].
    unfold extents. apply Forall_forall. intros x Hx. apply in_map_iff in Hx. destruct Hx as [[l h] [<- Hx]].
    rewrite forallb_forall in Hs. specialize (Hs _ Hx). apply Z.ltb_lt in Hs. simpl in *. lia.
  - exists m. split; assumption.
Qed.

Lemma squares_are_placed : forall sides s b, lies_on sides b -> extents b = all_equal s sides ->
  regions sides (Squares s) (fun c => in_box c b).
Proof. intros sides s b Hb He. simpl. rewrite <- He. apply placed_box. exact Hb. Qed.

(** Masks that cover squares of one side hide each of them. *)
Theorem squares_are_hidden : forall ms sides s b,
  covers ms (regions sides (Squares s)) -> lies_on sides b -> extents b = all_equal s sides ->
  exists m, In m ms /\ forall c, in_box c b -> hides m c.
Proof. intros ms sides s b Hc Hb He. exact (Hc _ (squares_are_placed sides s b Hb He)). Qed.

(** Masks that cover two patches hide any two regions of one patch together, in one mask. *)
Theorem pairs_are_hidden : forall ms sides a b r s,
  covers ms (regions sides (Both a b)) -> regions sides a r -> regions sides b s ->
  exists m, In m ms /\ (forall c, r c -> hides m c) /\ (forall c, s c -> hides m c).
Proof.
  intros ms sides a b r s Hc Hr Hs. destruct (Hc (fun c => r c \/ s c)) as [m [Hm H]].
  - exists r, s. split; [exact Hr | split; [exact Hs | tauto]].
  - exists m. split; [exact Hm |]. split; intros c Hx; apply H; [left | right]; exact Hx.
Qed.

(** The regions of copies are those of patches one after another. *)
Lemma two_copies : forall a, copies a 2 = Both a a.
Proof. reflexivity. Qed.
