(** Intervals: bounds on the scores of a network for all contents of the hidden pixels at once. They certify the
    undefended label, with a bound for each mask of a cover in place of one for each region. Python:
    maskcover.defense.intervals. *)

From Coq Require Import List Bool QArith Lqa.
From Maskcover Require Import Cells Tables.
Import ListNotations.
Open Scope Q_scope.

Section Intervals.
  Variable pixel : Type.

  (** The contents that a pixel may have, such as all from 0 to 1. *)
  Variable allowed : pixel -> Prop.

  (** The label of the network as it is, nothing hidden. *)
  Variable F : image pixel -> label.

  (** What can become of the image x if the pixels of r, and no others, are overwritten with what is allowed. *)
  Definition overwritten (r : cells) (x x' : image pixel) : Prop :=
    differ_inside r x x' /\ forall c, allowed (x' c).

  (** Whatever the pixels that a mask hides hold, the label is y. *)
  Definition steady (x : image pixel) (y : nat) (m : mask) : Prop :=
    forall x', overwritten (hides m) x x' -> F x' = Some y.

  (** A region inside such a mask. *)
  Theorem steady_region x y m r :
    steady x y m -> inside r (hides m) -> forall x', overwritten r x x' -> F x' = Some y.
  Proof. intros Steady Inside x' [Same Allowed]. apply Steady. split; [|assumption]. intros c Hc. apply Same. auto. Qed.

  (** The certificate: the steady masks cover. Masks as small as single regions are masks too: bounds for one region
      may hold where those of a larger mask fail. *)
  Theorem interval_certificate x y M R :
    (forall m, In m M -> steady x y m) -> covers M R ->
    forall r x', R r -> overwritten r x x' -> F x' = Some y.
  Proof. intros Steady H r x' Hr. destruct (H r Hr) as (m & Hm & Inside). now apply steady_region with m; auto. Qed.

  (** How bounds show it: the label is y where the score of y is larger than each other one, and under a mask the score
      of y is ahead of that of c by at least [ahead c], which is more than 0. *)
  Variable scores : image pixel -> nat -> Q.
  Variable classes : nat.
  Hypothesis F_largest : forall x y, (y < classes)%nat ->
    (forall c, (c < classes)%nat -> c <> y -> scores x c < scores x y) -> F x = Some y.

  Theorem bounds_steady x y m (ahead : nat -> Q) :
    (y < classes)%nat ->
    (forall c x', (c < classes)%nat -> overwritten (hides m) x x' -> ahead c <= scores x' y - scores x' c) ->
    (forall c, (c < classes)%nat -> c <> y -> 0 < ahead c) ->
    steady x y m.
  Proof.
    intros Hy Bound Positive x' Attack. apply F_largest; [assumption|]. intros c Hc Hne.
    specialize (Bound c x' Hc Attack). specialize (Positive c Hc Hne). lra.
  Qed.

  (** Bounds of the scores themselves will do, but are weaker. *)
  Theorem score_bounds_steady x y m (low high : nat -> Q) :
    (y < classes)%nat ->
    (forall c x', (c < classes)%nat -> overwritten (hides m) x x' -> low c <= scores x' c <= high c) ->
    (forall c, (c < classes)%nat -> c <> y -> high c < low y) ->
    steady x y m.
  Proof.
    intros Hy Bound Apart. apply bounds_steady with (fun c => low y - high c); [assumption | |].
    - intros c x' Hc Attack. pose proof (Bound c x' Hc Attack). pose proof (Bound y x' Hy Attack). lra.
    - intros c Hc Hne. specialize (Apart c Hc Hne). lra.
  Qed.
End Intervals.

(** The bounds of a weighted sum, as of a linear layer or a convolution: a positive weight takes the lower end of the
    interval, a negative one the upper end. *)
Fixpoint weighted (weights : list Q) (values : list Q) : Q :=
  match weights, values with
  | w :: weights, v :: values => w * v + weighted weights values
  | _, _ => 0
  end.

Fixpoint weighted_low (weights : list Q) (intervals : list (Q * Q)) : Q :=
  match weights, intervals with
  | w :: weights, (low, high) :: intervals =>
      (if Qle_bool 0 w then w * low else w * high) + weighted_low weights intervals
  | _, _ => 0
  end.

Theorem weighted_bound weights values intervals :
  Forall2 (fun v i => fst i <= v <= snd i) values intervals ->
  weighted_low weights intervals <= weighted weights values.
Proof.
  intros H. revert weights. induction H as [| v [low high] values intervals [Low High] _ IH]; intros [| w weights];
    simpl; try lra. specialize (IH weights). simpl in *.
  destruct (Qle_bool 0 w) eqn:E.
  - apply Qle_bool_iff in E. nra.
  - assert (w < 0). { apply Qnot_le_lt. intros Le. apply Qle_bool_iff in Le. congruence. } nra.
Qed.

(** The bounds of ReLU: it never turns two numbers round. *)
Definition relu (q : Q) : Q := if Qle_bool 0 q then q else 0.

Theorem relu_bounds low v high : low <= v <= high -> relu low <= relu v <= relu high.
Proof.
  assert (Order : forall a b, a <= b -> relu a <= relu b); [| intros []; auto].
  intros a b H. unfold relu. destruct (Qle_bool 0 a) eqn:A, (Qle_bool 0 b) eqn:B; try lra;
    try apply Qle_bool_iff in A; try apply Qle_bool_iff in B; try assumption.
  apply not_true_iff_false in B. exfalso. apply B, Qle_bool_iff. lra.
Qed.
