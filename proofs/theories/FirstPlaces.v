(** Votes for the first k labels (docs/theory/first-labels.md): when the true label stays among the k classes with the
    largest sums of scores, whatever an attack does to the views that it touches. Python: maskcover.defense.first_places. *)

From Coq Require Import List ZArith Lia Bool.
From Maskcover Require Import Cells Tables Scores Fields Votes.
Import ListNotations.
Open Scope Z_scope.

(** All groups of k members of a list, in its order. *)
Fixpoint groups (k : nat) (members : list nat) : list (list nat) :=
  match k, members with
  | O, _ => [[]]
  | S _, [] => []
  | S before, c :: rest => map (cons c) (groups before rest) ++ groups k rest
  end.

(** If k members or more pass a test, some group of k members passes it throughout. *)
Lemma group_passes test members : forall k,
  (k <= length (filter test members))%nat ->
  exists group, In group (groups k members) /\ forall c, In c group -> test c = true.
Proof.
  induction members as [| c rest IH]; intros [| before] H; simpl in *; try (exists []; now split; [left|]); [lia |].
  destruct (test c) eqn:Passes; simpl in H.
  - destruct (IH before) as (group & Hin & Hall); [lia |]. exists (c :: group). split.
    + apply in_or_app. left. now apply in_map.
    + intros d [<- | Hd]; auto.
  - destruct (IH (S before) H) as (group & Hin & Hall). exists group. split; [apply in_or_app; now right | assumption].
Qed.

Lemma group_members members : forall k group, In group (groups k members) -> forall c, In c group -> In c members.
Proof.
  induction members as [| d rest IH]; intros [| before] group H c Hc; simpl in H.
  - destruct H as [<- | []]. destruct Hc.
  - destruct H.
  - destruct H as [<- | []]. destruct Hc.
  - apply in_app_or in H as [H | H].
    + apply in_map_iff in H as (shorter & <- & Hin). destruct Hc as [<- | Hc]; [now left | right; eauto].
    + right. eauto.
Qed.

(** What a group has in all is no more than what all members have. *)
Lemma group_total (f : nat -> Z) members : forall k group,
  (forall c, In c members -> 0 <= f c) -> In group (groups k members) -> total f group <= total f members.
Proof.
  induction members as [| d rest IH]; intros [| before] group Least H; simpl in H.
  - destruct H as [<- | []]. simpl. lia.
  - destruct H.
  - destruct H as [<- | []]. simpl. assert (0 <= f d) by (apply Least; now left).
    assert (total f [] <= total f rest) by (apply (IH O); [intros; apply Least; now right | now destruct rest; left]).
    simpl in *. lia.
  - assert (0 <= f d) by (apply Least; now left).
    assert (Rest : forall c, In c rest -> 0 <= f c) by (intros; apply Least; now right).
    apply in_app_or in H as [H | H].
    + apply in_map_iff in H as (shorter & <- & Hin). simpl. specialize (IH before shorter Rest Hin). lia.
    + simpl. specialize (IH (S before) group Rest H). lia.
Qed.

Lemma filter_total (f : nat -> Z) test members :
  (forall c, In c members -> 0 <= f c) -> total f (filter test members) <= total f members.
Proof.
  induction members as [| d rest IH]; intros Least; simpl; [lia |].
  assert (0 <= f d) by (apply Least; now left).
  assert (total f (filter test rest) <= total f rest) by (apply IH; intros; apply Least; now right).
  destruct (test d); simpl; lia.
Qed.

Lemma some_fails {A} (test : A -> bool) members :
  forallb test members = false -> exists a, In a members /\ test a = false.
Proof.
  induction members as [| a rest IH]; simpl; [discriminate |]. intros H. destruct (test a) eqn:Passes.
  - destruct (IH H) as (b & Hb & Fails). exists b. now split; [right |].
  - exists a. now split; [left |].
Qed.

Lemma total_add {A} (f g : A -> Z) members : total (fun a => f a + g a) members = total f members + total g members.
Proof. induction members as [| a rest IH]; simpl; lia. Qed.

Lemma total_zero {A} (members : list A) : total (fun _ => 0) members = 0.
Proof. induction members as [| a rest IH]; simpl; lia. Qed.

Lemma total_swap {A B} (f : A -> B -> Z) inner : forall outer,
  total (fun a => total (f a) inner) outer = total (fun b => total (fun a => f a b) outer) inner.
Proof.
  induction outer as [| a rest IH]; simpl; [now rewrite total_zero |]. rewrite IH. symmetry. apply total_add.
Qed.

Lemma total_times {A} (n : Z) (f : A -> Z) members : total (fun a => n * f a) members = n * total f members.
Proof. induction members as [| a rest IH]; simpl; lia. Qed.

Section Programs.
  Variable view : Type.
  Variables lo hi : Z.

  (** What the scores of one view exceed the least score by, over all classes together: at most this. *)
  Variable most_units : Z.
  Variable views : list view.
  Variable classes : nat.

  Notation sums := (sum_of view views).
  Notation least score untouched := (least_sum view lo views score untouched).

  (** A tie goes to the smaller class. *)
  Definition late (y c : nat) : Z := if Nat.ltb y c then 1 else 0.
  Definition overtakes (score : view -> nat -> Z) (y c : nat) : bool := sums score y + late y c <=? sums score c.

  (** The number of classes that are ahead of y. *)
  Definition place (score : view -> nat -> Z) (y : nat) : nat :=
    length (filter (overtakes score y) (others classes y)).

  (** The answer: the classes in the order of their places; none if all sums are 0. *)
  Definition first_by_votes (score : view -> nat -> Z) (k : nat) : list nat :=
    if forallb (fun c => sums score c =? 0) (seq 0 classes) then []
    else flat_map (fun n => filter (fun c => Nat.eqb (place score c) n) (seq 0 classes)) (seq 0 k).

  (** The units that class c needs to overtake y, and the number of views that are touched. *)
  Definition need score untouched y c : Z := Z.max 0 (least score untouched y - least score untouched c + late y c).
  Definition touched_views (untouched : view -> bool) : Z := total (fun v => if untouched v then 0 else 1) views.

  (** Whether a group of classes can overtake y: no class needs more than the views can give one class, and all of them
      together no more than the views can give. *)
  Definition can_overtake score untouched y (group : list nat) : bool :=
    forallb (fun c => need score untouched y c <=? (hi - lo) * touched_views untouched) group
    && (total (need score untouched y) group <=? most_units * touched_views untouched).

  (** Whether every sum can become 0, which leaves no answer. *)
  Definition can_erase score untouched : bool :=
    forallb (fun c => (least score untouched c <=? 0)
                      && (0 <=? least score untouched c + (hi - lo) * touched_views untouched)) (seq 0 classes).

  (** The condition of the first-places theorem. *)
  Definition stays (score : view -> nat -> Z) untouched (k y : nat) : bool :=
    Nat.ltb y classes
    && negb (existsb (can_overtake score untouched y) (groups k (others classes y)))
    && negb (can_erase score untouched).

  (** The certificate: the condition holds for every listed set of untouched views. *)
  Definition first_certified score (listed : list (view -> bool)) k y : bool :=
    negb (match listed with [] => true | _ => false end)
    && forallb (fun untouched => stays score untouched k y) listed.

  (** No view gives all classes together more than [most_units] above the least score. *)
  Definition in_budget (score : view -> nat -> Z) : Prop :=
    forall v, In v views -> total (fun c => score v c - lo) (seq 0 classes) <= most_units.

  (** What a touched view gives a class above the least score. *)
  Definition gain (untouched : view -> bool) (attacked : view -> nat -> Z) v c : Z :=
    if untouched v then 0 else attacked v c - lo.

  Lemma sum_after score untouched attacked c :
    (c < classes)%nat -> attack_on view views classes untouched score attacked ->
    sums attacked c = least score untouched c + total (fun v => gain untouched attacked v c) views.
  Proof.
    intros Hc Same. unfold sum_of, least_sum. rewrite <- total_add. apply Z.le_antisymm; apply total_le;
      intros v V; unfold gain; destruct (untouched v) eqn:U; try lia; rewrite (Same v c V Hc U); lia.
  Qed.

  Lemma gain_range untouched attacked v c :
    in_range lo hi views classes attacked -> In v views -> (c < classes)%nat ->
    0 <= gain untouched attacked v c <= (hi - lo) * (if untouched v then 0 else 1).
  Proof. intros Range V Hc. unfold gain. specialize (Range v c V Hc). destruct (untouched v); lia. Qed.

  Lemma gain_at_most untouched attacked c :
    in_range lo hi views classes attacked -> (c < classes)%nat ->
    0 <= total (fun v => gain untouched attacked v c) views <= (hi - lo) * touched_views untouched.
  Proof.
    intros Range Hc. unfold touched_views. rewrite <- total_times. split.
    - rewrite <- (total_zero views). apply total_le. intros v V. now apply gain_range.
    - apply total_le. intros v V. now apply gain_range.
  Qed.

  (** A class that overtakes y after the attack got at least what it needs. *)
  Lemma need_given score untouched attacked y c :
    (y < classes)%nat -> (c < classes)%nat -> in_range lo hi views classes attacked ->
    attack_on view views classes untouched score attacked -> overtakes attacked y c = true ->
    need score untouched y c <= total (fun v => gain untouched attacked v c) views.
  Proof.
    intros Hy Hc Range Same H. unfold overtakes in H. apply Z.leb_le in H.
    rewrite (sum_after score untouched attacked y Hy Same), (sum_after score untouched attacked c Hc Same) in H.
    destruct (gain_at_most untouched attacked y Range Hy). destruct (gain_at_most untouched attacked c Range Hc).
    unfold need. lia.
  Qed.

  (** So a group that has overtaken y was able to. *)
  Lemma overtaken_group score untouched attacked y k group :
    (y < classes)%nat -> in_range lo hi views classes attacked -> in_budget attacked ->
    attack_on view views classes untouched score attacked ->
    In group (groups k (others classes y)) -> (forall c, In c group -> overtakes attacked y c = true) ->
    can_overtake score untouched y group = true.
  Proof.
    intros Hy Range Budget Same Hin Ahead.
    assert (Class : forall c, In c group -> (c < classes)%nat).
    { intros c Hc. apply (group_members _ _ _ Hin), others_iff in Hc. apply Hc. }
    unfold can_overtake. apply andb_true_iff. split.
    - apply forallb_forall. intros c Hc. apply Z.leb_le.
      pose proof (need_given score untouched attacked y c Hy (Class c Hc) Range Same (Ahead c Hc)).
      destruct (gain_at_most untouched attacked c Range (Class c Hc)). lia.
    - apply Z.leb_le.
      apply Z.le_trans with (total (fun c => total (fun v => gain untouched attacked v c) views) group).
      { apply total_le. intros c Hc. now apply need_given; auto. }
      rewrite total_swap. unfold touched_views. rewrite <- total_times. apply total_le. intros v V.
      unfold gain. destruct (untouched v); [rewrite total_zero; lia |].
      assert (Positive : forall c, In c (seq 0 classes) -> 0 <= attacked v c - lo).
      { intros c Hc. apply in_seq in Hc. specialize (Range v c V). lia. }
      apply Z.le_trans with (total (fun c => attacked v c - lo) (others classes y)).
      { apply group_total with k; [| assumption]. intros c Hc. apply Positive. unfold others in Hc.
        now apply filter_In in Hc as [Hc _]. }
      apply Z.le_trans with (total (fun c => attacked v c - lo) (seq 0 classes)).
      { now apply filter_total. }
      specialize (Budget v V). lia.
  Qed.

  (** The list has the classes of the first k places, unless all sums are 0. *)
  Theorem first_by_votes_iff score k y :
    In y (first_by_votes score k) <->
    (exists c, (c < classes)%nat /\ sums score c <> 0) /\ (y < classes)%nat /\ (place score y < k)%nat.
  Proof.
    unfold first_by_votes. destruct (forallb _ _) eqn:Zero.
    - split; [easy |]. intros ((c & Hc & Other) & _). rewrite forallb_forall in Zero. destruct Other.
      apply Z.eqb_eq, Zero, in_seq. lia.
    - rewrite in_flat_map. split.
      + intros (n & Hn & Hy). apply in_seq in Hn. apply filter_In in Hy as [Hy Place]. apply in_seq in Hy.
        apply Nat.eqb_eq in Place. split; [| lia]. apply some_fails in Zero as (c & Hc & Other).
        apply in_seq in Hc. apply Z.eqb_neq in Other. exists c. split; [lia | assumption].
      + intros (_ & Hy & Place). exists (place score y). split; [apply in_seq; lia |].
        apply filter_In. split; [apply in_seq; lia | apply Nat.eqb_refl].
  Qed.

  (** The first-places theorem: whatever an attack makes of the touched views, y is among the first k. *)
  Theorem stays_right score untouched attacked k y :
    in_range lo hi views classes attacked -> in_budget attacked ->
    attack_on view views classes untouched score attacked -> stays score untouched k y = true ->
    In y (first_by_votes attacked k).
  Proof.
    intros Range Budget Same H. unfold stays in H. apply andb_true_iff in H as [H Kept].
    apply andb_true_iff in H as [Hy Behind]. apply Nat.ltb_lt in Hy. apply first_by_votes_iff.
    split; [| split; [assumption |]].
    - apply negb_true_iff in Kept. unfold can_erase in Kept. apply some_fails in Kept as (c & Hc & Fails).
      apply in_seq in Hc. exists c. split; [lia |]. intros Zero.
      rewrite (sum_after score untouched attacked c) in Zero by (assumption || lia).
      destruct (gain_at_most untouched attacked c Range); [lia |].
      apply andb_false_iff in Fails as [Fails | Fails]; apply Z.leb_gt in Fails; lia.
    - apply Nat.nle_gt. intros Many. apply negb_true_iff in Behind. apply not_true_iff_false in Behind. apply Behind.
      destruct (group_passes (overtakes attacked y) (others classes y) k Many) as (group & Hin & Ahead).
      apply existsb_exists. exists group. split; [assumption |]. now apply overtaken_group with attacked k.
  Qed.
End Programs.

Arguments first_by_votes {view}.
Arguments first_certified {view}.
Arguments in_budget {view}.

(** Votes of an image: the scores of a view depend on the pixels of its field alone. *)
Section Images.
  Variables (pixel view : Type) (scores : image pixel -> view -> nat -> Z) (field : view -> cells).
  Hypothesis scores_local : local_to field scores.
  Variables (lo hi most_units : Z) (views : list view) (classes : nat).
  Hypothesis scores_range : forall x, in_range lo hi views classes (scores x).
  Hypothesis scores_budget : forall x, in_budget lo most_units views classes (scores x).

  (** If the condition holds for each listed set of untouched views, and each region leaves all views of a listed set
      untouched, then no attack within these regions takes y out of the first k labels. *)
  Theorem first_places_certificate x k y listed (R : region_set) :
    (forall r, R r -> exists untouched, In untouched listed
                      /\ forall v, In v views -> untouched v = true -> misses r (field v)) ->
    first_certified lo hi most_units views classes (scores x) listed k y = true ->
    forall r x', R r -> differ_inside r x x' -> In y (first_by_votes views classes (scores x') k).
  Proof.
    intros Listed H r x' Hr Hx. destruct (Listed r Hr) as (untouched & Hin & Misses).
    unfold first_certified in H. apply andb_true_iff in H as [_ H]. rewrite forallb_forall in H.
    apply stays_right with lo hi most_units (scores x) untouched;
      [apply scores_range | apply scores_budget | | now apply H].
    intros v c V _ U. now rewrite (untouched_same field scores scores_local r x x' v Hx (Misses v V U)).
  Qed.
End Images.

(** Needs add up: of three classes, two that could each overtake class 0 alone cannot both do so. Three views vote for
    class 0, two for each of the others, and two more are touched. *)
Example needs_add_up :
  let score (v c : nat) := if Nat.eqb c (nth v [0; 0; 0; 1; 1; 2; 2; 0; 0]%nat 0%nat) then 1 else 0 in
  let untouched v := Nat.ltb v 7 in
  stays nat 0 1 1 (seq 0 9) 3 score untouched 1 0 = false
  /\ stays nat 0 1 1 (seq 0 9) 3 score untouched 2 0 = true
  /\ stays nat 0 1 2 (seq 0 9) 3 score untouched 2 0 = false.
Proof. repeat split. Qed.
