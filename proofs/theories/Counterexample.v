(** Two patches: checking unions of three base masks is not enough.

    For K = 2 patches a mask is a union of two base masks, so a pair of masks hides up to four of them. A public
    re-implementation checks unions of up to three only (the two of a mask and one more). Here is a world of four cells,
    with a base mask for each, in which every such union is right, and two stickers of one cell turn the answer. With
    fewer than four base masks, three are all there are: no smaller number shows the mistake. *)

From Coq Require Import ZArith List Bool Lia.
From Maskcover Require Import Cells Tables DoubleMasking RowTheorem.
Import ListNotations.
Local Open Scope Z_scope.

(** Unions of two base masks, each once; a mask with itself is a union too. *)
Fixpoint two_unions (base : list mask) : list mask :=
  match base with
  | [] => []
  | a :: rest => map (fun b => a ++ b) base ++ two_unions rest
  end.

(** Two patches at once: what lies inside two regions of [R] taken together. *)
Definition two_of (R : region_set) : region_set :=
  fun r => exists r1 r2, R r1 /\ R r2 /\ inside r (fun c => r1 c \/ r2 c).

Lemma hides_app a b c : hides (a ++ b) c <-> hides a c \/ hides b c.
Proof. unfold hides. apply Exists_app. Qed.

(** Every two base masks have their union, in one order or the other. *)
Lemma two_unions_in a b base : In a base -> In b base -> In (a ++ b) (two_unions base) \/ In (b ++ a) (two_unions base).
Proof.
  induction base as [|m rest IH]; [easy|]. change (two_unions _) with (map (app m) (m :: rest) ++ two_unions rest).
  rewrite !in_app_iff, !in_map_iff.
  intros [->|Ha] Hb; [left; left; now exists b|].
  destruct Hb as [->|Hb]; [right; left; exists a; simpl; auto|].
  destruct (IH Ha Hb); auto.
Qed.

(** They cover two patches if the base masks cover one (design, section 6). *)
Lemma two_unions_cover base R : covers base R -> covers (two_unions base) (two_of R).
Proof.
  intros H r (r1 & r2 & H1 & H2 & Hr).
  destruct (H r1 H1) as (a & Ha & Ha'), (H r2 H2) as (b & Hb & Hb').
  destruct (two_unions_in a b base Ha Hb) as [Hu|Hu]; eexists; (split; [exact Hu|]);
    intros c Hc; apply hides_app; destruct (Hr c Hc); auto.
Qed.

(** A line of four cells, and a base mask for each. *)
Definition line : list Z := [0; 1; 2; 3].
Definition base : list mask := map (fun i => [[(i, i + 1)]]) line.
Definition masks : list mask := two_unions base.

(** Patches of one cell, anywhere on the line. *)
Definition one_cell : region_set := fun r => exists m, In m base /\ inside r (hides m).

(** Pixels: 0 is the fill, 1 is what images show, 2 is a sticker. *)
Definition black : image nat := fun _ => 0%nat.
Definition clean : image nat := fun _ => 1%nat.
Definition stickers : list box := [[(0, 1)]; [(1, 2)]].
Definition attacked : image nat := fun c => if hidesb stickers c then 2%nat else 1%nat.

(** The classifier says 1 if it sees a sticker, or nothing at all; else 0. *)
Definition F (x : image nat) : label :=
  let shown := map (fun i => x [i]) line in
  if existsb (Nat.eqb 2) shown || forallb (Nat.eqb 0) shown then Some 1%nat else Some 0%nat.

Lemma F_pixels : respects_pixels F.
Proof. intros x x' H. unfold F. now rewrite (map_ext _ (fun i => x' [i])). Qed.

Lemma masks_cover : covers masks (two_of one_cell).
Proof. apply two_unions_cover. now intros r (m & Hm & Hr); exists m. Qed.

(** Everything that a check with three base masks sees is right. *)
Definition three_mask_correct : Prop :=
  forall a b c, In a base -> In b base -> In c base -> F (hide black [a; b; c] clean) = Some 0%nat.

Lemma three_masks_right : three_mask_correct.
Proof.
  assert (H : forallb (fun a => forallb (fun b => forallb (fun c =>
    same (F (hide black [a; b; c] clean)) (Some 0%nat)) base) base) base = true) by reflexivity.
  intros a b c Ha Hb Hc. rewrite forallb_forall in H. specialize (H a Ha).
  rewrite forallb_forall in H. specialize (H b Hb). rewrite forallb_forall in H. now apply same_iff, H.
Qed.

(** The attack is one: two stickers of one cell. *)
Lemma attack_allowed : two_of one_cell (hides stickers) /\ differ_inside (hides stickers) clean attacked.
Proof.
  split.
  - exists (hides [[(0, 1)]]), (hides [[(1, 2)]]).
    repeat split; [exists [[(0, 1)]] | exists [[(1, 2)]] |]; try (split; [simpl; auto | now intros c]).
    intros c Hc. now apply (hides_app [[(0, 1)]] [[(1, 2)]]).
  - intros c Hc. unfold attacked, clean. destruct (hidesb stickers c) eqn:E; [|reflexivity].
    now apply hidesb_iff in E.
Qed.

(** One mask hides both stickers, nine do not; and the other two cells together spoil every second round. *)
Lemma first_round :
  count (Some 0%nat) (map (fun m => table black F attacked m m) masks) = 1%nat /\
  count (Some 1%nat) (map (fun m => table black F attacked m m) masks) = 9%nat.
Proof. now split. Qed.

Definition others : mask := [[(2, 3)]; [(3, 4)]].

Lemma with_others m : In m masks -> table black F attacked m others = Some 1%nat.
Proof.
  intros Hm. apply same_iff. revert m Hm. apply forallb_forall. reflexivity.
Qed.

(** So the answer is 1, whatever the tie rule and the order. *)
Lemma answer_wrong majority order :
  tie_rule majority -> any_order order ->
  fst (defended nat black F majority order masks attacked) = Some 1%nat.
Proof.
  intros Htie Horder. unfold defended.
  assert (Ho : In others masks) by (simpl; tauto).
  pose proof (seen (table black F attacked) majority order masks Horder) as H. cbv zeta in H.
  assert (Htop : majority (map (fun m => table black F attacked m m) masks) = Some 1%nat).
  { set (labels := map _ masks). destruct (Htie labels) as [Hin Hmax]; [discriminate|].
    specialize (Hmax (Some 1%nat)). destruct first_round as [H0 H1]. fold labels in H0, H1. rewrite H1 in Hmax.
    apply in_map_iff in Hin as (m & Em & _). rewrite <- Em in *.
    unfold table, F in *. destruct (_ || _); [reflexivity|]. rewrite H0 in Hmax. lia. }
  rewrite Htop in H. destruct (double_masking _ majority order masks) as [a [|d|]]; simpl.
  - apply H.
  - destruct H as (-> & Hd & _ & U). rewrite <- (U others Ho). now apply with_others.
  - apply H.
Qed.

(** Three base masks are not enough: the masks cover two patches, every union of three base masks is right on the clean
    image, Algorithm 1 answers it rightly, and an attack with two patches gets a wrong answer. *)
Theorem three_masks_not_enough :
  covers masks (two_of one_cell) /\ three_mask_correct /\
  fst (defended nat black F lowest_label (fun m => m) masks clean) = Some 0%nat /\
  exists r x', two_of one_cell r /\ differ_inside r clean x' /\
    forall majority order, tie_rule majority -> any_order order ->
      fst (defended nat black F majority order masks x') = Some 1%nat.
Proof.
  repeat split; [exact masks_cover | exact three_masks_right |].
  exists (hides stickers), attacked. split; [apply attack_allowed|]. split; [apply attack_allowed|].
  exact answer_wrong.
Qed.

(** Four base masks are: Algorithm 2 refuses, and so does the row certificate. *)
Theorem four_masks_refuse :
  algorithm_2 nat black F true masks clean 0 = false /\ ~ covers (G nat black F masks clean 0) (two_of one_cell).
Proof.
  split; [reflexivity|]. intros H.
  pose proof (row_certificate nat black F F_pixels masks clean 0 _ H (hides stickers) (proj1 attack_allowed)) as S.
  assert (id : any_order (fun m : list mask => m)) by now intros.
  specialize (S lowest_label _ attacked id (proj2 attack_allowed)).
  rewrite (answer_wrong lowest_label _ lowest_label_tie_rule id) in S. discriminate.
Qed.
