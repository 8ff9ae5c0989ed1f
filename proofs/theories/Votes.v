(** Votes (docs/theory.md, The defence): which answer a sum of scores of views gives, whatever an attack does to the views
    that it touches. Python: maskcover.defense.voting, with scores 0 and 1. *)

From Coq Require Import List ZArith Lia Bool.
Import ListNotations.
Open Scope Z_scope.

Section Votes.

Variables view class : Type.

(** Every score lies between these. *)
Variables lo hi : Z.

Fixpoint total (score : view -> Z) (views : list view) : Z :=
  match views with
  | [] => 0
  | v :: rest => score v + total score rest
  end.

(** How far class y is ahead of class c by a view: by its scores if it is untouched, by the worst that can be if not. *)
Definition ahead (score : view -> class -> Z) (untouched : view -> bool) (y c : class) (v : view) : Z :=
  if untouched v then score v y - score v c else lo - hi.

Lemma total_le : forall f g views, (forall v, In v views -> f v <= g v) -> total f views <= total g views.
Proof.
  intros f g views. induction views as [| v rest IH]; intros H; simpl; [lia |].
  assert (f v <= g v) by (apply H; left; reflexivity).
  assert (total f rest <= total g rest) by (apply IH; intros w W; apply H; right; exact W). lia.
Qed.

Lemma total_minus : forall f g views,
  total (fun v => f v - g v) views = total f views - total g views.
Proof. intros f g views. induction views as [| v rest IH]; simpl; lia. Qed.

(** After any attack that leaves the untouched views as they are, y is at least that far ahead of c. *)
Theorem votes_after : forall views untouched score attacked y c,
  (forall v, In v views -> untouched v = true -> attacked v y = score v y /\ attacked v c = score v c) ->
  (forall v, In v views -> lo <= attacked v y /\ attacked v c <= hi) ->
  total (ahead score untouched y c) views
  <= total (fun v => attacked v y) views - total (fun v => attacked v c) views.
Proof.
  intros views untouched score attacked y c Same Bounds.
  rewrite <- total_minus. apply total_le. intros v V. unfold ahead.
  destruct (untouched v) eqn:U.
  - destruct (Same v V U) as [Y C]. rewrite Y, C. lia.
  - destruct (Bounds v V). lia.
Qed.

(** The vote theorem: y has at least the sum of c after the attack, and more where that is asked for, since ties go to
    the smaller label. *)
Theorem vote_theorem : forall views untouched score attacked y c (tie : Z),
  (forall v, In v views -> untouched v = true -> attacked v y = score v y /\ attacked v c = score v c) ->
  (forall v, In v views -> lo <= attacked v y /\ attacked v c <= hi) ->
  tie <= total (ahead score untouched y c) views ->
  total (fun v => attacked v c) views + tie <= total (fun v => attacked v y) views.
Proof.
  intros views untouched score attacked y c tie Same Bounds H.
  pose proof (votes_after views untouched score attacked y c Same Bounds). lia.
Qed.

(** Only the smallest sets of untouched views matter: with more of them y is never less far ahead. *)
Theorem smallest_untouched_suffice : forall views untouched more score y c,
  (forall v, In v views -> untouched v = true -> more v = true) ->
  (forall v, In v views -> lo <= score v y /\ score v c <= hi) ->
  total (ahead score untouched y c) views <= total (ahead score more y c) views.
Proof.
  intros views untouched more score y c More Bounds. apply total_le. intros v V. unfold ahead.
  destruct (untouched v) eqn:U.
  - rewrite (More v V U). lia.
  - destruct (Bounds v V). destruct (more v); lia.
Qed.

(** The condition is necessary where an attack is free: scores that give y the least and c the most in every touched
    view leave y exactly that far ahead. *)
Theorem votes_attained : forall views untouched score y c attacked,
  (forall v, In v views -> untouched v = true -> attacked v y = score v y /\ attacked v c = score v c) ->
  (forall v, In v views -> untouched v = false -> attacked v y = lo /\ attacked v c = hi) ->
  total (fun v => attacked v y) views - total (fun v => attacked v c) views
  = total (ahead score untouched y c) views.
Proof.
  intros views untouched score y c attacked Same Worst. rewrite <- total_minus.
  induction views as [| v rest IH]; simpl; [reflexivity |].
  rewrite IH; [| intros w W; apply Same; right; exact W | intros w W; apply Worst; right; exact W].
  unfold ahead. destruct (untouched v) eqn:U.
  - destruct (Same v (or_introl eq_refl) U) as [Y C]. rewrite Y, C. lia.
  - destruct (Worst v (or_introl eq_refl) U) as [Y C]. rewrite Y, C. lia.
Qed.

End Votes.
