(** Dominance: only maximal shapes matter (docs/theory.md, Covering), the maximal rectangles of an area, and appendix
    B's six shapes.
    Python: maskcover.regions.boxes (Rectangles) and maskcover.regions.base.maximal. *)

From Coq Require Import ZArith List Lia.
From Maskcover Require Import Cells Erosion Axis Products.
Import ListNotations.
Open Scope Z_scope.

(** One shape lies inside another of the same grid: equal axes, sides at most as long, and the larger one fits. *)
Definition smaller_shape (shape larger : list axis_shape) : Prop :=
  Forall2 (fun s l => fst s = fst l /\ snd s <= snd l <= fst l) shape larger.

(** Wherever a shape lies on the grid, a larger shape that fits can be placed around it. *)
Lemma placed_inside : forall shape larger u, smaller_shape shape larger -> placed shape u ->
  exists v, placed larger v /\ subbox (box_at u (map snd shape)) (box_at v (map snd larger)).
Proof.
  intros shape larger u S. revert u. induction S as [|s l shape larger E S IH]; intros u P; inversion P; subst.
  - exists []. split; constructor.
  - match goal with H : Forall2 _ ?w shape |- _ => destruct (IH w H) as (v & V & B) end.
    exists (Z.min x (fst l - snd l) :: v). split; constructor; try assumption; simpl; lia.
Qed.

(** Masks that cover a shape cover every shape inside it; only maximal shapes need a check. *)
Theorem larger_shape_suffices : forall masks shape larger, smaller_shape shape larger ->
  covers masks (box_regions larger) -> covers masks (box_regions shape).
Proof.
  intros masks shape larger S. apply covers_dominated. intros r (u & P & E).
  destruct (placed_inside shape larger u S P) as (v & V & B).
  exists (fun c => in_box c (box_at v (map snd larger))). split.
  - exists v. split; [exact V | reflexivity].
  - intros c C. apply (subbox_in _ _ _ B), E, C.
Qed.

(** ** Rectangles of at most an area *)

Section Rectangles.

Variables H W A : Z.   (* height and width of the image, the largest area *)
Hypothesis sizes : 1 <= H /\ 1 <= W /\ 1 <= A.

(** The family: every rectangle a × b that fits and has at most the area. *)
Definition in_family (ab : Z * Z) : Prop := 1 <= fst ab <= H /\ 1 <= snd ab <= W /\ fst ab * snd ab <= A.

Definition inside_shape (s t : Z * Z) : Prop := fst s <= fst t /\ snd s <= snd t.

(** A maximal rectangle lies inside no other of the family. *)
Definition maximal (s : Z * Z) : Prop := in_family s /\ forall t, in_family t -> inside_shape s t -> t = s.

(** For each height the widest: (a, min(W, A/a)). *)
Definition width (a : Z) : Z := Z.min W (A / a).

(** The library's list: heights in descending order, of which those stay that are wider than the last one kept. *)
Fixpoint kept (last : Z) (heights : list Z) : list (Z * Z) :=
  match heights with
  | [] => []
  | a :: more => if width a <=? last then kept last more else (a, width a) :: kept (width a) more
  end.

Definition top : Z := Z.min H A.

Fixpoint down (t : nat) : list Z := match t with O => [] | S u => Z.of_nat t :: down u end.

Definition maximal_rectangles : list (Z * Z) := rev (kept 0 (down (Z.to_nat top))).

(** The width at a height, 0 above the highest. *)
Definition width0 (a : Z) : Z := if a <=? top then width a else 0.

Lemma width_spec : forall a, 1 <= a -> a * (A / a) <= A < a * (A / a) + a.
Proof. intros a L. pose proof (Z.div_mod A a). pose proof (Z.mod_pos_bound A a). lia. Qed.

Lemma width_positive : forall a, 1 <= a <= top -> 1 <= width a.
Proof. intros a L. unfold width, top in *. pose proof (width_spec a). nia. Qed.

Lemma width0_falls : forall a a', 1 <= a <= a' -> width0 a' <= width0 a.
Proof.
  intros a a' L. unfold width0. destruct (Z.leb_spec a' top), (Z.leb_spec a top); try lia.
  - unfold width. pose proof (Z.div_le_compat_l A a a'). lia.
  - pose proof (width_positive a). lia.
Qed.

(** Only rows that are wider than the row after them are kept. *)
Lemma in_kept : forall t a b, Z.of_nat t <= top -> (In (a, b) (kept (width0 (Z.of_nat t + 1)) (down t)) <->
  1 <= a <= Z.of_nat t /\ b = width a /\ width0 (a + 1) < width a).
Proof.
  induction t as [|t IH]; intros a b T; [cbn; lia|].
  cbn [down kept]. assert (E : width0 (Z.of_nat (S t)) = width (Z.of_nat (S t))).
  { unfold width0. destruct (Z.leb_spec (Z.of_nat (S t)) top); lia. }
  replace (Z.of_nat (S t)) with (Z.of_nat t + 1) in * by lia.
  specialize (IH a b ltac:(lia)).
  pose proof (width0_falls (Z.of_nat t + 1) (Z.of_nat t + 1 + 1) ltac:(lia)) as Falls.
  destruct (Z.leb_spec (width (Z.of_nat t + 1)) (width0 (Z.of_nat t + 1 + 1))) as [Le|Gt].
  - replace (width0 (Z.of_nat t + 1 + 1)) with (width0 (Z.of_nat t + 1)) by lia. rewrite IH. split; [intuition lia|].
    intros (R & B & L). destruct (Z.eq_dec a (Z.of_nat t + 1)) as [->|]; [lia | intuition lia].
  - rewrite <- E. cbn [In]. rewrite IH. split.
    + intros [P | P]; [inversion P; subst; repeat split; lia | intuition lia].
    + intros (R & B & L). destruct (Z.eq_dec a (Z.of_nat t + 1)) as [->|]; [left; congruence | right; intuition lia].
Qed.

Lemma in_maximal_rectangles : forall a b, In (a, b) maximal_rectangles <->
  1 <= a <= top /\ b = width a /\ width0 (a + 1) < width a.
Proof.
  intros a b. unfold maximal_rectangles. rewrite <- in_rev.
  assert (T : Z.of_nat (Z.to_nat top) = top) by (unfold top; lia).
  pose proof (in_kept (Z.to_nat top) a b) as K. rewrite T in K.
  replace (width0 (top + 1)) with 0 in K; [apply K; lia|].
  unfold width0. destruct (Z.leb_spec (top + 1) top); lia.
Qed.

Lemma in_family_iff : forall a b, in_family (a, b) <-> 1 <= a <= top /\ 1 <= b <= width a.
Proof.
  intros a b. unfold in_family, top, width; simpl. split.
  - intros (P & Q & R). assert (b <= A / a) by (apply Z.div_le_lower_bound; lia). nia.
  - intros (P & Q). pose proof (width_spec a ltac:(lia)). nia.
Qed.

(** The library's list is exactly the maximal rectangles. *)
Theorem listed_iff_maximal : forall s, In s maximal_rectangles <-> maximal s.
Proof.
  intros (a, b). rewrite in_maximal_rectangles. unfold maximal. split.
  - intros (R & -> & L). split; [apply in_family_iff; pose proof (width_positive a R); lia|].
    intros (a', b') F (I & J). apply in_family_iff in F. simpl in I, J.
    destruct (Z.eq_dec a' a) as [->|]; [f_equal; lia|].
    pose proof (width0_falls (a + 1) a' ltac:(lia)) as Falls. unfold width0 in Falls at 1.
    destruct (Z.leb_spec a' top); lia.
  - intros (F & M). apply in_family_iff in F. destruct F as (R & B).
    assert (E : (a, width a) = (a, b)).
    { apply M; [apply in_family_iff; lia | split; simpl; lia]. }
    inversion E as [Eb]. repeat split; try lia. unfold width0.
    destruct (Z.leb_spec (a + 1) top); [|lia].
    destruct (Z.lt_ge_cases (width (a + 1)) b) as [|G]; [lia|exfalso].
    assert (X : (a + 1, b) = (a, b)) by (apply M; [apply in_family_iff; lia | split; simpl; lia]).
    inversion X. lia.
Qed.

(** Every rectangle of the family lies inside a listed one. *)
Theorem family_inside_listed : forall s, in_family s -> exists t, In t maximal_rectangles /\ inside_shape s t.
Proof.
  intros (a, b) F. apply in_family_iff in F. destruct F as (R & B).
  remember (Z.to_nat (top - a)) as k eqn:K. revert a R B K. induction k as [|k IH]; intros a R B K.
  - exists (a, width a). split; [|split; simpl; lia]. apply in_maximal_rectangles. repeat split; try lia.
    unfold width0. destruct (Z.leb_spec (a + 1) top); lia.
  - destruct (Z.lt_ge_cases (width0 (a + 1)) (width a)) as [L|G].
    + exists (a, width a). split; [apply in_maximal_rectangles; auto | split; simpl; lia].
    + unfold width0 in G. destruct (Z.leb_spec (a + 1) top); [|lia].
      destruct (IH (a + 1)) as (t & T & (I & J)); try lia. exists t. split; [exact T | split; simpl in *; lia].
Qed.

(** Masks that cover the listed rectangles cover every rectangle of at most the area, anywhere on the image. *)
Theorem listed_suffice : forall masks,
  (forall a b, In (a, b) maximal_rectangles -> covers masks (box_regions [(H, a); (W, b)])) ->
  forall a b, in_family (a, b) -> covers masks (box_regions [(H, a); (W, b)]).
Proof.
  intros masks C a b F. destruct (family_inside_listed _ F) as ((a', b') & I & J).
  apply larger_shape_suffices with (larger := [(H, a'); (W, b')]); [|apply C, I].
  apply listed_iff_maximal in I. destruct I as ((P & Q & _) & _). destruct J. simpl in *.
  repeat constructor; simpl; lia.
Qed.

End Rectangles.

(** On 224×224 there are 41 maximal rectangles of at most 1 % (502 pixels). *)
Example maximal_of_one_percent : length (maximal_rectangles 224 224 502) = 41%nat.
Proof. reflexivity. Qed.
