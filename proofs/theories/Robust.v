(** Robust masking (PatchGuard): the score of a class is the sum of its evidence, less the heaviest window if that holds
    more than the fraction T = num / den of the sum. Python: maskcover.defense.robust. *)

From Coq Require Import List ZArith Lia Bool.
From Maskcover Require Import Cells Tables Scores Fields Votes.
Import ListNotations.
Open Scope Z_scope.

Section Robust.
  Variable view : Type.
  Variable views : list view.

  (** The sets of views that may be taken out. *)
  Variable windows : list (view -> bool).

  (** T: from 0 up to, but not, 1. *)
  Variables num den : Z.
  Hypothesis T_range : 0 <= num < den.

  Definition within (w : view -> bool) (e : view -> Z) (v : view) : Z := if w v then e v else 0.
  Definition outside (w : view -> bool) (e : view -> Z) (v : view) : Z := if w v then 0 else e v.

  (** The most evidence that a window holds; evidence is 0 or more. *)
  Definition heaviest (e : view -> Z) : Z := fold_right Z.max 0 (map (fun w => total (within w e) views) windows).

  Definition masked_score (e : view -> Z) : Z :=
    if num * total e views <? heaviest e * den then total e views - heaviest e else total e views.

  Lemma total_parts w (e : view -> Z) some : total (within w e) some + total (outside w e) some = total e some.
  Proof.
    induction some as [| v rest IH]; simpl; [reflexivity|]. unfold within at 1, outside at 1. destruct (w v); lia.
  Qed.

  Lemma total_nonneg (e : view -> Z) some : (forall v, In v some -> 0 <= e v) -> 0 <= total e some.
  Proof.
    induction some as [| v rest IH]; simpl; [lia|]. intros H.
    assert (0 <= e v) by (apply H; now left). assert (0 <= total e rest) by (apply IH; auto). lia.
  Qed.

  Lemma heaviest_at_least e w : In w windows -> total (within w e) views <= heaviest e.
  Proof.
    unfold heaviest. induction windows as [| u rest IH]; simpl; [easy|].
    intros [-> | H]; [lia|]. specialize (IH H). lia.
  Qed.

  Lemma heaviest_nonneg e : 0 <= heaviest e.
  Proof. unfold heaviest. induction windows as [| u rest IH]; simpl; lia. Qed.

  (** It is 0, or what a window holds. *)
  Lemma heaviest_attained e : heaviest e = 0 \/ exists w, In w windows /\ heaviest e = total (within w e) views.
  Proof.
    unfold heaviest. induction windows as [| u rest IH]; simpl; [now left|].
    destruct (Z.max_spec (total (within u e) views)
      (fold_right Z.max 0 (map (fun w => total (within w e) views) rest))) as [[_ ->] | [_ ->]].
    - destruct IH as [-> | (w & Hw & ->)]; [now left | right; exists w; split; [now right | reflexivity]].
    - right. exists u. split; [now left | reflexivity].
  Qed.

  (** What an attack on the views A makes of the evidence e: anything from 0 on in A, and no change outside. *)
  Definition evidence_attack (A : view -> bool) (e attacked : view -> Z) : Prop :=
    (forall v, In v views -> 0 <= attacked v) /\ (forall v, In v views -> A v = false -> attacked v = e v).

  (** Some window holds all of A. *)
  Definition enclosed (A : view -> bool) : Prop :=
    exists w, In w windows /\ forall v, In v views -> A v = true -> w v = true.

  Lemma outside_same A e attacked :
    evidence_attack A e attacked -> total (outside A attacked) views = total (outside A e) views.
  Proof.
    intros [_ Same]. apply Z.le_antisymm; apply total_le; intros v V; unfold outside; destruct (A v) eqn:E;
      try rewrite (Same v V E); lia.
  Qed.

  (** The evidence of A after the attack is no more than that of the heaviest window. *)
  Lemma attacked_in_heaviest A e attacked :
    evidence_attack A e attacked -> enclosed A -> total (within A attacked) views <= heaviest attacked.
  Proof.
    intros [Nonneg _] (w & Hw & Inside). transitivity (total (within w attacked) views).
    - apply total_le. intros v V. unfold within. specialize (Nonneg v V).
      destruct (A v) eqn:E; [rewrite (Inside v V E); lia | destruct (w v); lia].
    - now apply heaviest_at_least.
  Qed.

  (** Each class has at most o / (1 - T), where o is its evidence outside A. *)
  Theorem score_at_most A e attacked :
    evidence_attack A e attacked -> enclosed A ->
    masked_score attacked * (den - num) <= den * total (outside A e) views.
  Proof.
    intros Attack Enclosed. pose proof (attacked_in_heaviest A e attacked Attack Enclosed) as Most.
    pose proof (outside_same A e attacked Attack) as Same. pose proof (total_parts A attacked views) as Parts.
    assert (0 <= total (outside A e) views).
    { rewrite <- Same. apply total_nonneg. intros v V. unfold outside.
      destruct Attack as [Nonneg _]. specialize (Nonneg v V). destruct (A v); lia. }
    unfold masked_score. destruct (Z.ltb_spec (num * total attacked views) (heaviest attacked * den)); nia.
  Qed.

  (** Class y has at least its evidence outside A, less the most that a window has of it. *)
  Theorem score_at_least A e attacked :
    evidence_attack A e attacked ->
    total (outside A e) views - heaviest (outside A e) <= masked_score attacked.
  Proof.
    intros Attack. pose proof (outside_same A e attacked Attack) as Same.
    pose proof (total_parts A attacked views) as Parts. pose proof (heaviest_nonneg (outside A e)) as Nonneg.
    assert (0 <= total (within A attacked) views).
    { apply total_nonneg. intros v V. unfold within. destruct Attack as [H _]. specialize (H v V).
      destruct (A v); lia. }
    unfold masked_score. destruct (Z.ltb_spec (num * total attacked views) (heaviest attacked * den)); [|lia].
    destruct (heaviest_attained attacked) as [-> | (w & Hw & ->)]; [lia|].
    pose proof (heaviest_at_least (outside A e) w Hw) as Window.
    assert (total (outside w (outside A e)) views <= total (outside w attacked) views).
    { apply total_le. intros v V. destruct Attack as [Positive Same_v]. specialize (Positive v V).
      specialize (Same_v v V). unfold outside. destruct (w v), (A v) eqn:Touched; lia. }
    pose proof (total_parts w attacked views). pose proof (total_parts w (outside A e) views). lia.
  Qed.

  (** The answer, and the certificate, for the classes 0, 1, … up to [classes] - 1. *)
  Variable classes : nat.

  Definition robust_answer (evidence : view -> nat -> Z) : nat :=
    largest (fun c => masked_score (fun v => evidence v c)) classes.

  (** The bound of y against that of c. *)
  Definition robust_beats (evidence : view -> nat -> Z) (A : view -> bool) (y c : nat) : bool :=
    let own := outside A (fun v => evidence v y) in
    den * total (outside A (fun v => evidence v c)) views + tie y c
    <=? (total own views - heaviest own) * (den - num).

  Definition enclosedb (A : view -> bool) : bool :=
    existsb (fun w => forallb (fun v => implb (A v) (w v)) views) windows.

  Definition robust_holds evidence A y : bool :=
    Nat.ltb y classes && enclosedb A && forallb (robust_beats evidence A y) (others classes y).

  (** The certificate: the bounds hold for every listed set of touched views. *)
  Definition robust_certified evidence (listed : list (view -> bool)) y : bool :=
    negb (match listed with [] => true | _ => false end)
    && forallb (fun A => robust_holds evidence A y) listed.

  (** An attack on the views A leaves the evidence of the others as it is. *)
  Definition robust_attack (A : view -> bool) (evidence attacked : view -> nat -> Z) : Prop :=
    forall c, (c < classes)%nat -> evidence_attack A (fun v => evidence v c) (fun v => attacked v c).

  Lemma enclosedb_iff A : enclosedb A = true <-> enclosed A.
  Proof.
    unfold enclosedb, enclosed. rewrite existsb_exists. setoid_rewrite forallb_forall.
    split; intros (w & Hw & H); exists w; (split; [assumption|]); intros v V; specialize (H v V).
    - intros E. now rewrite E in H.
    - destruct (A v); [now apply H | reflexivity].
  Qed.

  (** The certificate is sound: whatever an attack makes of the views A, the answer is y. *)
  Theorem robust_right evidence attacked A y :
    robust_attack A evidence attacked -> robust_holds evidence A y = true -> robust_answer attacked = y.
  Proof.
    intros Attack H. unfold robust_holds in H. apply andb_true_iff in H as [H Beats].
    apply andb_true_iff in H as [Hy Enclosed]. apply Nat.ltb_lt in Hy. apply enclosedb_iff in Enclosed.
    apply largest_is; [assumption|]. intros c Hc Hne. rewrite forallb_forall in Beats.
    specialize (Beats c). rewrite others_iff in Beats. specialize (Beats (conj Hc Hne)). apply Z.leb_le in Beats.
    pose proof (score_at_most A _ _ (Attack c Hc) Enclosed) as Upper.
    pose proof (score_at_least A _ _ (Attack y Hy)) as Lower.
    unfold beats, tie in *. destruct (Nat.ltb c y); nia.
  Qed.

  (** Only maximal sets matter: an attack on fewer views is an attack on A. *)
  Theorem smaller_attack evidence attacked fewer A :
    (forall v, In v views -> fewer v = true -> A v = true) ->
    robust_attack fewer evidence attacked -> robust_attack A evidence attacked.
  Proof.
    intros Fewer Attack c Hc. destruct (Attack c Hc) as [Nonneg Same]. split; [assumption|].
    intros v V E. apply Same; [assumption|]. destruct (fewer v) eqn:F; [|reflexivity].
    rewrite (Fewer v V F) in E. discriminate.
  Qed.

  Theorem maximal_touched_suffice evidence attacked fewer A y :
    (forall v, In v views -> fewer v = true -> A v = true) ->
    robust_attack fewer evidence attacked -> robust_holds evidence A y = true -> robust_answer attacked = y.
  Proof. intros Fewer Attack. apply robust_right. now apply smaller_attack with fewer. Qed.
End Robust.

Arguments robust_answer {view}.
Arguments robust_holds {view}.
Arguments robust_certified {view}.
Arguments masked_score {view}.

(** But the condition is not monotone: it may hold for A, and fail for a smaller set, even for none, though no attack
    there changes the answer. For class 1 has much evidence in A, which the bound for the smaller set counts. So a
    program that checks smaller sets too certifies less, and proves no more. *)
Theorem not_monotone :
  exists (views : list nat) windows evidence (A fewer : nat -> bool),
    (forall v, fewer v = true -> A v = true)
    /\ robust_holds views windows 0 1 2 evidence A 0 = true
    /\ robust_holds views windows 0 1 2 evidence fewer 0 = false.
Proof.
  exists [0; 1; 2]%nat, [Nat.eqb 0; Nat.eqb 1; Nat.eqb 2].
  exists (fun v c => nth c (nth v [[0; 100]; [10; 0]; [10; 0]] []) 0), (Nat.eqb 0), (fun _ => false).
  repeat split. discriminate.
Qed.

(** Evidence of an image: that of a cell depends on the pixels of its field alone. *)
Section Images.
  Variables (pixel view : Type) (evidence : image pixel -> view -> nat -> Z) (field : view -> cells).
  Hypothesis evidence_local : local_to field evidence.
  Variables (views : list view) (windows : list (view -> bool)) (num den : Z) (classes : nat).
  Hypothesis T_range : 0 <= num < den.
  Hypothesis evidence_nonneg : forall x v c, In v views -> (c < classes)%nat -> 0 <= evidence x v c.

  (** If the bounds hold for each listed set, and each region touches views of some listed set only, then no attack
      within these regions changes the answer. *)
  Theorem robust_certificate x y listed (R : region_set) :
    (forall r, R r -> exists A, In A listed /\ forall v, In v views -> A v = false -> misses r (field v)) ->
    robust_certified views windows num den classes (evidence x) listed y = true ->
    forall r x', R r -> differ_inside r x x' ->
    robust_answer views windows num den classes (evidence x') = y.
  Proof.
    intros Listed H r x' Hr Hx. destruct (Listed r Hr) as (A & Hin & Misses).
    unfold robust_certified in H. apply andb_true_iff in H as [_ H]. rewrite forallb_forall in H.
    apply robust_right with (evidence x) A; [assumption | | now apply H].
    intros c Hc. split; [intros v V; now apply evidence_nonneg|]. intros v V E.
    now rewrite (untouched_same field evidence evidence_local r x x' v Hx (Misses v V E)).
  Qed.
End Images.
