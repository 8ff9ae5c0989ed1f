(** Votes (docs/theory.md, The defence): which answer a sum of scores of views gives, whatever an attack does to the views
    that it touches. A score lies in a range, such as from 0 to 1 for votes. Python: maskcover.defense.voting. *)

From Coq Require Import List ZArith Lia Bool.
From Maskcover Require Import Cells Tables Scores Fields.
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

Arguments total {view}.
Arguments ahead {view class}.

(** Voting and its certificate as programs, for the classes 0, 1, … up to [classes] - 1. *)
Section Programs.
  Variable view : Type.
  Variables lo hi : Z.
  Variable views : list view.
  Variable classes : nat.

  Definition sum_of (score : view -> nat -> Z) (c : nat) : Z := total (fun v => score v c) views.

  (** The class with the largest sum, ties to the smallest label; no label if all sums are 0. *)
  Definition vote (score : view -> nat -> Z) : label :=
    if forallb (fun c => sum_of score c =? 0) (seq 0 classes) then None else Some (largest (sum_of score) classes).

  (** The least by which y is ahead of c after an attack, and the least sum of y. *)
  Definition least_ahead (score : view -> nat -> Z) untouched y c : Z := total (ahead lo hi score untouched y c) views.
  Definition least_sum (score : view -> nat -> Z) (untouched : view -> bool) y : Z :=
    total (fun v => if untouched v then score v y else lo) views.

  Definition others (y : nat) : list nat := filter (fun c => negb (Nat.eqb c y)) (seq 0 classes).

  (** The vote theorem's condition, and that the sums cannot all become 0, which leaves no label: if no class can be
      ahead of y, they are equal only after the attack that is worst for y against each other class, and then only if y
      is ahead of none. *)
  Definition holds (score : view -> nat -> Z) untouched y : bool :=
    Nat.ltb y classes
    && forallb (fun c => tie y c <=? least_ahead score untouched y c) (others y)
    && (negb (least_sum score untouched y =? 0) || existsb (fun c => 0 <? least_ahead score untouched y c) (others y)).

  (** The certificate: the condition holds for every listed set of untouched views. *)
  Definition vote_certified score (listed : list (view -> bool)) y : bool :=
    negb (match listed with [] => true | _ => false end)
    && forallb (fun untouched => holds score untouched y) listed.

  Definition in_range (score : view -> nat -> Z) : Prop :=
    forall v c, In v views -> (c < classes)%nat -> lo <= score v c <= hi.

  (** An attack may change the scores of the views that are touched, not of the others. *)
  Definition attack_on (untouched : view -> bool) (score attacked : view -> nat -> Z) : Prop :=
    forall v c, In v views -> (c < classes)%nat -> untouched v = true -> attacked v c = score v c.

  Lemma others_iff y c : In c (others y) <-> (c < classes)%nat /\ c <> y.
  Proof.
    unfold others. rewrite filter_In, in_seq, negb_true_iff, Nat.eqb_neq. intuition lia.
  Qed.

  Lemma vote_none score : vote score = None <-> forall c, (c < classes)%nat -> sum_of score c = 0.
  Proof.
    unfold vote. destruct (forallb _ _) eqn:E.
    - rewrite forallb_forall in E. split; [|reflexivity]. intros _ c Hc. apply Z.eqb_eq, E, in_seq. lia.
    - split; [discriminate|]. intros H. apply not_true_iff_false in E. destruct E.
      apply forallb_forall. intros c Hc. apply in_seq in Hc. apply Z.eqb_eq, H. lia.
  Qed.

  Hypothesis several_classes : (1 < classes)%nat.

  Lemma some_other y : exists c, In c (others y).
  Proof. exists (if Nat.eqb y 0 then 1 else 0)%nat. apply others_iff. destruct (Nat.eqb_spec y 0); lia. Qed.

  (** The certificate is sound: whatever an attack makes of the touched views, the answer is y. *)
  Theorem holds_right score untouched attacked y :
    in_range attacked -> attack_on untouched score attacked -> holds score untouched y = true ->
    vote attacked = Some y.
  Proof.
    intros Range Same H. unfold holds in H. apply andb_true_iff in H as [H Answered].
    apply andb_true_iff in H as [Hy Ahead]. apply Nat.ltb_lt in Hy.
    assert (After : forall c, (c < classes)%nat ->
      least_ahead score untouched y c <= sum_of attacked y - sum_of attacked c).
    { intros c Hc. apply votes_after.
      - intros v V U. split; apply Same; assumption.
      - intros v V. pose proof (Range v y V Hy). pose proof (Range v c V Hc). lia. }
    destruct (vote attacked) as [answer|] eqn:E.
    - f_equal. unfold vote in E. destruct (forallb _ _) in E; [discriminate|]. injection E as <-.
      apply largest_is; [assumption|]. intros c Hc Hne. rewrite forallb_forall in Ahead.
      specialize (Ahead c). rewrite others_iff in Ahead. specialize (Ahead (conj Hc Hne)).
      apply Z.leb_le in Ahead. specialize (After c Hc). unfold beats. lia.
    - exfalso. rewrite vote_none in E. apply orb_true_iff in Answered as [Answered | Answered].
      + apply negb_true_iff, Z.eqb_neq in Answered.
        assert (Least : least_sum score untouched y <= sum_of attacked y).
        { apply total_le. intros v V. destruct (untouched v) eqn:U.
          - rewrite (Same v y V Hy U). lia.
          - apply (Range v y V Hy). }
        destruct (some_other y) as (c & Hother). rewrite forallb_forall in Ahead. specialize (Ahead c Hother).
        apply Z.leb_le in Ahead. apply others_iff in Hother as [Hc _].
        assert (Both : total (fun v => ahead lo hi score untouched y c v
                                       - ((if untouched v then score v y else lo) - attacked v y)) views
                       <= total (fun v => attacked v y - attacked v c) views).
        { apply total_le. intros v V. unfold ahead. pose proof (Range v c V Hc). destruct (untouched v) eqn:U; [|lia].
          rewrite (Same v y V Hy U), (Same v c V Hc U). lia. }
        rewrite !total_minus in Both.
        change (least_ahead score untouched y c - (least_sum score untouched y - sum_of attacked y)
                <= sum_of attacked y - sum_of attacked c) in Both.
        rewrite (E y Hy), (E c Hc) in *. unfold tie in Ahead. destruct (Nat.ltb c y); lia.
      + apply existsb_exists in Answered as (c & Hc & Answered). apply others_iff in Hc as [Hc _].
        apply Z.ltb_lt in Answered. specialize (After c Hc). rewrite (E y Hy), (E c Hc) in After. lia.
  Qed.

  (** More untouched views never make the condition harder: only the smallest sets, the minimal signatures, matter. *)
  Theorem holds_with_more score untouched more y :
    in_range score -> (forall v, In v views -> untouched v = true -> more v = true) ->
    holds score untouched y = true -> holds score more y = true.
  Proof.
    intros Range More H. unfold holds in *. apply andb_true_iff in H as [H Answered].
    apply andb_true_iff in H as [Hy Ahead]. rewrite Hy. apply Nat.ltb_lt in Hy. simpl.
    assert (Larger : forall c, (c < classes)%nat -> least_ahead score untouched y c <= least_ahead score more y c).
    { intros c Hc. apply smallest_untouched_suffice; [assumption|]. intros v V.
      pose proof (Range v y V Hy). pose proof (Range v c V Hc). lia. }
    apply andb_true_iff. split.
    - rewrite forallb_forall in *. intros c Hc. specialize (Ahead c Hc). apply others_iff in Hc as [Hc _].
      apply Z.leb_le in Ahead. apply Z.leb_le. specialize (Larger c Hc). lia.
    - apply orb_true_iff. destruct (Z.eqb_spec (least_sum score more y) 0) as [Equal | Other]; [right | now left].
      apply orb_true_iff in Answered as [Answered | Answered].
      + apply negb_true_iff, Z.eqb_neq in Answered. destruct (some_other y) as (c & Hother). apply existsb_exists.
        exists c. split; [assumption|]. rewrite forallb_forall in Ahead. specialize (Ahead c Hother).
        apply Z.leb_le in Ahead. apply others_iff in Hother as [Hc _]. apply Z.ltb_lt.
        assert (Both : total (fun v => ahead lo hi score untouched y c v
                                       - ((if untouched v then score v y else lo)
                                          - (if more v then score v y else lo))) views
                       <= least_ahead score more y c).
        { apply total_le. intros v V. unfold ahead. pose proof (Range v y V Hy). pose proof (Range v c V Hc).
          destruct (untouched v) eqn:U; [rewrite (More v V U); lia | destruct (more v); lia]. }
        rewrite !total_minus in Both.
        change (least_ahead score untouched y c - (least_sum score untouched y - least_sum score more y)
                <= least_ahead score more y c) in Both.
        assert (least_sum score untouched y <= least_sum score more y).
        { apply total_le. intros v V. pose proof (Range v y V Hy).
          destruct (untouched v) eqn:U; [rewrite (More v V U); lia | destruct (more v); lia]. }
        unfold tie in Ahead. destruct (Nat.ltb c y); lia.
      + apply existsb_exists in Answered as (c & Hc & Answered). apply existsb_exists. exists c.
        split; [assumption|]. apply others_iff in Hc as [Hc _]. apply Z.ltb_lt in Answered. apply Z.ltb_lt.
        specialize (Larger c Hc). lia.
  Qed.

  (** Abstention: a view may give no class anything where 0 is in the range. An attack may make views abstain, and the
      certificate holds all the same, since it holds for all scores in the range. *)
  Definition abstaining (abstains : view -> bool) (score : view -> nat -> Z) (v : view) (c : nat) : Z :=
    if abstains v then 0 else score v c.

  Theorem abstention_in_range abstains score :
    lo <= 0 <= hi ->
    (forall v c, In v views -> (c < classes)%nat -> abstains v = false -> lo <= score v c <= hi) ->
    in_range (abstaining abstains score).
  Proof.
    intros Zero Range v c V Hc. unfold abstaining. destruct (abstains v) eqn:A; [assumption | now apply Range].
  Qed.

  (** The condition is necessary where scores are free: where it fails some attack within the range changes the answer.
      In every touched view that attack gives one class the most and all others the least, as in a vote for one class;
      or, to leave the image without a label, all classes but y the most. *)
  Theorem holds_necessary score untouched y :
    lo <= hi -> in_range score -> holds score untouched y = false ->
    exists attacked, in_range attacked /\ attack_on untouched score attacked /\ vote attacked <> Some y.
  Proof.
    intros Bounds Range H.
    destruct (Nat.ltb y classes) eqn:Hy.
    2: { exists score. split; [assumption|]. split; [now intros v c|]. intros E. apply Nat.ltb_ge in Hy.
      unfold vote in E. destruct (forallb _ _) eqn:Zero in E; [discriminate|]. injection E as E.
      destruct (Nat.eq_dec classes 0) as [-> |]; [discriminate|].
      destruct (largest_beats (sum_of score) classes); lia. }
    apply Nat.ltb_lt in Hy.
    set (worst (most : nat -> bool) v d := if untouched v then score v d else if most d then hi else lo).
    assert (Allowed : forall most, in_range (worst most) /\ attack_on untouched score (worst most)).
    { intros most. split.
      - intros v d V Hd. unfold worst. pose proof (Range v d V Hd). destruct (untouched v), (most d); lia.
      - intros v d V Hd U. unfold worst. now rewrite U. }
    assert (Exactly : forall most c, most y = false -> most c = true ->
      sum_of (worst most) y - sum_of (worst most) c = least_ahead score untouched y c).
    { intros most c Yes No. apply votes_attained; intros v V U; unfold worst; rewrite U; [easy|].
      now rewrite Yes, No. }
    unfold holds in H. apply Nat.ltb_lt in Hy as Hyb. rewrite Hyb in H. simpl in H.
    destruct (forallb _ _) eqn:Ahead in H.
    - simpl in H. apply orb_false_iff in H as [Small None_ahead].
      exists (worst (fun d => negb (Nat.eqb d y))). destruct (Allowed (fun d => negb (Nat.eqb d y))) as [A B].
      split; [assumption|]. split; [assumption|]. intros E.
      assert (Zero : vote (worst (fun d => negb (Nat.eqb d y))) = None); [|congruence].
      apply vote_none.
      assert (Own : sum_of (worst (fun d => negb (Nat.eqb d y))) y = 0).
      { apply negb_false_iff, Z.eqb_eq in Small. rewrite <- Small. unfold sum_of, least_sum.
        apply Z.le_antisymm; apply total_le; intros v V; unfold worst; rewrite Nat.eqb_refl; simpl; lia. }
      intros c Hc. destruct (Nat.eq_dec c y) as [-> | Hne]; [assumption|].
      assert (Hother : In c (others y)) by now apply others_iff.
      rewrite forallb_forall in Ahead. specialize (Ahead c Hother). apply Z.leb_le in Ahead.
      assert (Behind : least_ahead score untouched y c <= 0).
      { apply Z.ltb_ge. apply not_true_iff_false. intros Larger. apply not_true_iff_false in None_ahead.
        apply None_ahead, existsb_exists. now exists c. }
      pose proof (Exactly (fun d => negb (Nat.eqb d y)) c) as Difference. simpl in Difference.
      rewrite Nat.eqb_refl in Difference. apply Nat.eqb_neq in Hne. rewrite Hne in Difference.
      specialize (Difference eq_refl eq_refl). unfold tie in Ahead. destruct (Nat.ltb c y); lia.
    - apply not_true_iff_false in Ahead.
      assert (Fails : exists c, In c (others y) /\ least_ahead score untouched y c < tie y c).
      { clear - Ahead. induction (others y) as [| c rest IH]; simpl in Ahead; [easy|].
        destruct (Z.leb_spec (tie y c) (least_ahead score untouched y c)) as [Le | Lt].
        - destruct IH as (d & D & Less); [assumption|]. exists d. split; [now right | assumption].
        - exists c. split; [now left | assumption]. }
      destruct Fails as (c & Hc & Less). apply others_iff in Hc as [Hc Hne].
      exists (worst (Nat.eqb c)). destruct (Allowed (Nat.eqb c)) as [A B]. split; [assumption|].
      split; [assumption|]. intros E. unfold vote in E. destruct (forallb _ _) in E; [discriminate|].
      injection E as E. destruct (largest_beats (sum_of (worst (Nat.eqb c))) classes) as [_ Best]; [lia|].
      rewrite E in Best. specialize (Best c Hc Hne). unfold beats in Best.
      pose proof (Exactly (Nat.eqb c) c) as Difference. apply Nat.eqb_neq in Hne as Hnb.
      specialize (Difference Hnb (Nat.eqb_refl c)). lia.
  Qed.
End Programs.

Arguments vote {view}.
Arguments holds {view}.
Arguments vote_certified {view}.
Arguments in_range {view}.

(** Votes of an image: the scores of a view depend on the pixels of its field alone. *)
Section Images.
  Variables (pixel view : Type) (scores : image pixel -> view -> nat -> Z) (field : view -> cells).
  Hypothesis scores_local : local_to field scores.
  Variables (lo hi : Z) (views : list view) (classes : nat).
  Hypothesis several_classes : (1 < classes)%nat.
  Hypothesis scores_range : forall x, in_range lo hi views classes (scores x).

  (** If the condition holds for each listed set of untouched views, and each region leaves all views of a listed set
      untouched, then no attack within these regions changes the answer. Views that are not relied on are left out of
      the listed sets. *)
  Theorem vote_certificate x y listed (R : region_set) :
    (forall r, R r -> exists untouched, In untouched listed
                      /\ forall v, In v views -> untouched v = true -> misses r (field v)) ->
    vote_certified lo hi views classes (scores x) listed y = true ->
    forall r x', R r -> differ_inside r x x' -> vote views classes (scores x') = Some y.
  Proof.
    intros Listed H r x' Hr Hx. destruct (Listed r Hr) as (untouched & Hin & Misses).
    unfold vote_certified in H. apply andb_true_iff in H as [_ H]. rewrite forallb_forall in H.
    apply holds_right with lo hi (scores x) untouched; [assumption | apply scores_range | | now apply H].
    intros v c V _ U. now rewrite (untouched_same field scores scores_local r x x' v Hx (Misses v V U)).
  Qed.
End Images.
