(** The class with the largest score, ties to the smallest label: the answer of votes and of robust masking. *)

From Coq Require Import ZArith Lia Bool.
Open Scope Z_scope.

(** Among the classes 0, 1, … up to [classes] - 1. *)
Fixpoint largest (score : nat -> Z) (classes : nat) : nat :=
  match classes with
  | O => O
  | S c => let best := largest score c in if score best <? score c then c else best
  end.

(** How much the score of y must exceed that of c at least: a tie goes to the smaller label. *)
Definition tie (y c : nat) : Z := if Nat.ltb c y then 1 else 0.

(** y is at least as good as c, and better where a tie would go to c. *)
Definition beats (score : nat -> Z) (y c : nat) : Prop := score c + tie y c <= score y.

Lemma beats_trans score a b c : beats score a b -> beats score b c -> a <> c -> beats score a c.
Proof.
  unfold beats, tie. intros Hab Hbc Hac.
  destruct (Nat.ltb_spec b a), (Nat.ltb_spec c b), (Nat.ltb_spec c a); lia.
Qed.

(** The answer is a class, and beats each other one. *)
Theorem largest_beats score classes :
  (0 < classes)%nat ->
  (largest score classes < classes)%nat
  /\ forall c, (c < classes)%nat -> c <> largest score classes -> beats score (largest score classes) c.
Proof.
  induction classes as [| last IH]; [lia |]. intros _. destruct last as [| before].
  - simpl. split; [destruct (score O <? score O); lia |]. intros c Hc. destruct (score O <? score O); lia.
  - destruct IH as [Hin Hall]; [lia |]. set (m := S before) in *.
    change (largest score (S m)) with
      (if score (largest score m) <? score m then m else largest score m).
    destruct (Z.ltb_spec (score (largest score m)) (score m)) as [Hless | Hmore].
    + split; [lia |]. intros c Hc Hne.
      assert (Hnew : beats score m (largest score m)).
      { unfold beats, tie. destruct (Nat.ltb_spec (largest score m) m); lia. }
      destruct (Nat.eq_dec c (largest score m)) as [-> | Hother]; [assumption |].
      apply beats_trans with (largest score m); [assumption | apply Hall; lia | lia].
    + split; [lia |]. intros c Hc Hne. destruct (Nat.eq_dec c m) as [-> | Hother].
      * unfold beats, tie. destruct (Nat.ltb_spec m (largest score m)); lia.
      * apply Hall; lia.
Qed.

(** A class that beats each other one is the answer. *)
Theorem largest_is score classes y :
  (y < classes)%nat ->
  (forall c, (c < classes)%nat -> c <> y -> beats score y c) ->
  largest score classes = y.
Proof.
  intros Hy H. destruct (largest_beats score classes) as [Hin Hall]; [lia |].
  destruct (Nat.eq_dec (largest score classes) y) as [| Hne]; [assumption | exfalso].
  specialize (H (largest score classes) Hin Hne). specialize (Hall y Hy (not_eq_sym Hne)).
  unfold beats, tie in *.
  destruct (Nat.ltb_spec (largest score classes) y), (Nat.ltb_spec y (largest score classes)); lia.
Qed.
