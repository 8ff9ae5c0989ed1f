(** Covering is a question about erosions (docs/theory.md, Covering, "The same, by erosion"). *)

From Coq Require Import ZArith List Lia.
From Maskcover Require Import Cells.
Import ListNotations.
Open Scope Z_scope.

(** A stencil: cells, and the places to which they may be moved. *)
Definition stencil := (cells * (cell -> Prop))%type.

(** The regions of some stencils: each, moved to one of its places. *)
Definition regions_of (stencils : list stencil) : region_set := fun r =>
  exists s u, In s stencils /\ snd s u /\ forall c, r c <-> moved (fst s) u c.

(** The places at which cells lie inside others. *)
Definition erosion (s hidden : cells) : cell -> Prop := fun u => inside (moved s u) hidden.

(** Covering in the sense of Definition 1 says that for every stencil the union over the
    masks of their erosions contains every allowed place. *)
Theorem covers_iff_erosions : forall masks stencils,
  covers masks (regions_of stencils) <->
  forall s u, In s stencils -> snd s u -> exists m, In m masks /\ erosion (fst s) (hides m) u.
Proof.
  intros masks stencils; split.
  - intros H s u Hs Hu. apply (H (moved (fst s) u)). exists s, u. repeat split; auto.
  - intros H r (s & u & Hs & Hu & Hr). destruct (H s u Hs Hu) as (m & Hm & He).
    exists m; split; [exact Hm | intros c Hc; apply He, Hr, Hc].
Qed.

(** Dominance, the general form: what lies inside a covered region needs no check of its own. *)
Theorem covers_dominated : forall masks (small large : region_set),
  (forall r, small r -> exists r', large r' /\ inside r r') -> covers masks large -> covers masks small.
Proof.
  intros masks small large H C r Hr. destruct (H r Hr) as (r' & Hr' & I).
  destruct (C r' Hr') as (m & Hm & J). exists m; split; [exact Hm | intros c Hc; apply J, I, Hc].
Qed.

(** More masks cover no less. *)
Lemma covers_incl : forall masks masks' regions, incl masks masks' -> covers masks regions -> covers masks' regions.
Proof. intros masks masks' regions I C r Hr. destruct (C r Hr) as (m & Hm & J). eauto. Qed.

(** ** Boxes *)

Definition nonempty (b : box) : Prop := Forall (fun side => fst side < snd side) b.

Definition subbox (b b' : box) : Prop := Forall2 (fun s t => fst t <= fst s /\ snd s <= snd t) b b'.

Lemma subbox_in : forall b b' c, subbox b b' -> in_box c b -> in_box c b'.
Proof.
  intros b b' c S; revert c. induction S; intros c I; inversion I; subst; constructor.
  - lia.
  - apply IHS; assumption.
Qed.

Lemma lowest_in : forall b, nonempty b -> in_box (map fst b) b.
Proof. induction 1; constructor; [lia | assumption]. Qed.

Lemma highest_in : forall b, nonempty b -> in_box (map (fun side => snd side - 1) b) b.
Proof. induction 1; constructor; [lia | assumption]. Qed.

(** A box lies inside another exactly when each of its sides does. *)
Theorem inside_iff_subbox : forall b b', nonempty b ->
  (inside (fun c => in_box c b) (fun c => in_box c b') <-> subbox b b').
Proof.
  intros b b' N; split.
  - intro I. pose proof (I _ (lowest_in b N)) as L. pose proof (I _ (highest_in b N)) as U.
    clear I N. revert b' L U. unfold in_box, subbox.
    induction b; simpl; intros b' L U; inversion L; subst; inversion U; subst; constructor.
    + lia.
    + apply IHb; assumption.
  - intros S c. apply subbox_in, S.
Qed.

Definition moved_box (b : box) (u : cell) : box :=
  map (fun p => (fst p + fst (snd p), fst p + snd (snd p))) (combine u b).

Lemma in_moved_box : forall b u c, length u = length b ->
  (in_box c (moved_box b u) <-> moved (fun d => in_box d b) u c).
Proof.
  unfold moved, in_box, moved_box, plus.
  induction b as [|side b IH]; intros [|x u] c E; simpl in *; try discriminate; split.
  - intro I; inversion I; subst. exists []. auto.
  - intros (d & I & ->). inversion I; subst. constructor.
  - intro I; inversion I as [|y ? c' ? Hy Ic]; subst; simpl in Hy. apply IH in Ic; [|lia].
    destruct Ic as (d & Id & ->). exists (y - x :: d); split.
    + constructor; [lia | exact Id].
    + simpl. f_equal. lia.
  - intros (d & I & ->). inversion I; subst; simpl. constructor; simpl; [lia|].
    apply IH; [lia|]. eauto.
Qed.

(** Of a box by a box the erosion is a box of places: this one. *)
Definition eroded_box (b hidden : box) : box :=
  map (fun p => (fst (snd p) - fst (fst p), snd (snd p) - snd (fst p) + 1)) (combine b hidden).

Theorem erosion_of_boxes : forall b hidden u, nonempty b -> length u = length b -> length b = length hidden ->
  (erosion (fun c => in_box c b) (fun c => in_box c hidden) u <-> in_box u (eroded_box b hidden)).
Proof.
  intros b hidden u N Eu Eb.
  assert (M : nonempty (moved_box b u)).
  { clear Eb. revert u Eu. induction N; intros [|x' u] Eu; simpl in *; try discriminate; constructor; simpl.
    - lia.
    - apply IHN; lia. }
  assert (S : erosion (fun c => in_box c b) (fun c => in_box c hidden) u <-> subbox (moved_box b u) hidden).
  { rewrite <- (inside_iff_subbox _ _ M). unfold erosion, inside.
    split; intros I c Hc; apply I; apply in_moved_box; assumption. }
  rewrite S. clear S M N. unfold subbox, moved_box, in_box, eroded_box. revert u hidden Eu Eb.
  induction b as [|side b IH]; intros [|x u] [|h hidden] Eu Eb; simpl in *; try discriminate; split; intro F;
    try constructor; inversion F; subst; simpl in *; try lia; (apply IH; [lia | lia | assumption]).
Qed.
