(** Signatures as the library computes them: integers with one bit for each mask, joined patch by patch
    (docs/theory.md, Masks for one shape).
    Python: maskcover.covering.signatures, `minimal` and `minimal_shared`. *)

From Coq Require Import ZArith List Lia.
From Maskcover Require Import Cells Patches.
Import ListNotations.

(** The library's `minimal`: one after the other, a signature is kept unless one that is kept lies inside it. *)
Section Minimal.

Context {S : Type} (lies_in : S -> S -> bool) (meet : S -> S -> S).
Hypothesis reflexive : forall s, lies_in s s = true.
Hypothesis transitive : forall s t u, lies_in s t = true -> lies_in t u = true -> lies_in s u = true.
Hypothesis monotone : forall s s' t t', lies_in s s' = true -> lies_in t t' = true ->
  lies_in (meet s t) (meet s' t') = true.

Fixpoint minimal_from (found rest : list S) : list S :=
  match rest with
  | [] => found
  | s :: more => if existsb (fun t => lies_in t s) found then minimal_from found more
                 else minimal_from (found ++ [s]) more
  end.

(** What is kept was there, and under everything that was there lies something kept. *)
Theorem minimal_stands : forall rest found,
  (forall s, In s (minimal_from found rest) -> In s found \/ In s rest) /\
  (forall s, In s found -> In s (minimal_from found rest)) /\
  (forall s, In s rest -> exists t, In t (minimal_from found rest) /\ lies_in t s = true).
Proof.
  induction rest as [|x rest IH]; intro found; simpl; [intuition|].
  destruct (existsb _ found) eqn:E.
  - destruct (IH found) as (A & B & C). repeat split; [|exact B|].
    { intros s I. destruct (A s I); auto. }
    intros s [<- | I]; [|apply C, I]. apply existsb_exists in E. destruct E as (t & T & L). eauto.
  - destruct (IH (found ++ [x])) as (A & B & C). repeat split.
    + intros s I. apply A in I. rewrite in_app_iff in I. simpl in I. tauto.
    + intros s I. apply B, in_app_iff. left; exact I.
    + intros s [<- | I]; [|apply C, I]. exists x. split; [|apply reflexive].
      apply B, in_app_iff. right; left; reflexivity.
Qed.

Definition minimal (sigs : list S) : list S := minimal_from [] sigs.

Definition join (shared slot : list S) : list S :=
  minimal (flat_map (fun common => map (meet common) (minimal slot)) shared).

(** `minimal_shared`: after each patch only the minimal sets of shared masks go on. *)
Definition minimal_shared (first : list S) (others : list (list S)) : list S := fold_left join others (minimal first).

(** Some of the elements that have a property, and under each of them one. *)
Definition below_all (found : list S) (T : S -> Prop) : Prop :=
  (forall s, In s found -> T s) /\ (forall t, T t -> exists s, In s found /\ lies_in s t = true).

Lemma minimal_below : forall sigs, below_all (minimal sigs) (fun s => In s sigs).
Proof.
  intro sigs. destruct (minimal_stands sigs []) as (A & _ & C). split; [|exact C].
  intros s I. destruct (A s I) as [[]|]; assumption.
Qed.

Lemma join_below : forall shared slot T, below_all shared T ->
  below_all (join shared slot) (fun x => exists t c, T t /\ In c slot /\ x = meet t c).
Proof.
  intros shared slot T [A B]. destruct (minimal_below slot) as [A' B'].
  unfold join. set (all := flat_map _ shared). destruct (minimal_below all) as [A2 B2]. split.
  - intros s I. apply A2, in_flat_map in I. destruct I as (t & T' & I). apply in_map_iff in I.
    destruct I as (c & <- & C). exists t, c. auto.
  - intros x (t & c & Tt & C & ->). destruct (B t Tt) as (s & Is & Ls), (B' c C) as (d & Id & Ld).
    destruct (B2 (meet s d)) as (y & Y & L).
    + apply in_flat_map. exists s. split; [exact Is|]. apply in_map, Id.
    + exists y. split; [exact Y|]. apply transitive with (t := meet s d); [exact L | apply monotone; assumption].
Qed.

Lemma fold_below : forall others shared T, below_all shared T ->
  below_all (fold_left join others shared)
    (fun x => exists t cs, T t /\ Forall2 (@In S) cs others /\ x = fold_left meet cs t).
Proof.
  induction others as [|slot others IH]; intros shared T H; simpl.
  - destruct H as [A B]. split.
    + intros s I. exists s, []. auto.
    + intros x (t & cs & Tt & F & ->). inversion F; subst. apply B, Tt.
  - destruct (IH _ _ (join_below shared slot T H)) as [A B]. split.
    + intros s I. destruct (A s I) as (t' & cs & (t & c & Tt & C & ->) & F & ->). exists t, (c :: cs). auto.
    + intros x (t & cs & Tt & F & ->). inversion F; subst. apply B. simpl.
      eexists _, _. split; [|split; [eassumption | reflexivity]].
      exists t. eexists. eauto.
Qed.

(** Joining patch by patch loses nothing: what is found is what some tuple shares, and under what any tuple shares lies
    something found. *)
Theorem minimal_shared_below : forall first others, below_all (minimal_shared first others)
  (fun x => exists c cs, In c first /\ Forall2 (@In S) cs others /\ x = fold_left meet cs c).
Proof. intros first others. apply fold_below, minimal_below. Qed.

End Minimal.

(** ** As integers *)

Open Scope Z_scope.

(** `smaller & signature == smaller` *)
Definition bits_in (s t : Z) : bool := Z.land s t =? s.

Lemma bits_in_iff : forall s t, bits_in s t = true <-> forall i, Z.testbit s i = true -> Z.testbit t i = true.
Proof.
  intros s t. unfold bits_in. rewrite Z.eqb_eq. split.
  - intros E i B. rewrite <- E, Z.land_spec in B. apply andb_prop in B. tauto.
  - intro H. apply Z.bits_inj. intro i. rewrite Z.land_spec. specialize (H i).
    destruct (Z.testbit s i); [rewrite H; reflexivity | reflexivity].
Qed.

Lemma bits_of_meet : forall cs c i, Z.testbit (fold_left Z.land cs c) i = true <->
  Z.testbit c i = true /\ Forall (fun d => Z.testbit d i = true) cs.
Proof.
  induction cs as [|d cs IH]; intros c i; simpl.
  - intuition.
  - rewrite IH, Z.land_spec, Bool.andb_true_iff, Forall_cons_iff. tauto.
Qed.

(** Bit i of the signature of a region is set exactly when mask i contains it. *)
Definition encodes (masks : list mask) (r : cells) (z : Z) : Prop := 0 <= z /\
  forall i, 0 <= i -> (Z.testbit z i = true <-> exists m, nth_error masks (Z.to_nat i) = Some m /\ inside r (hides m)).

(** The list holds the signature of every region, and nothing else. *)
Definition all_signatures (masks : list mask) (regions : region_set) (zs : list Z) : Prop :=
  (forall z, In z zs -> exists r, regions r /\ encodes masks r z) /\
  (forall r, regions r -> exists z, In z zs /\ encodes masks r z).

Lemma regions_of_signatures : forall masks regions zs,
  Forall (fun z => exists r, regions r /\ encodes masks r z) zs ->
  exists rs, Forall regions rs /\ Forall2 (fun z r => regions r /\ encodes masks r z) zs rs.
Proof.
  intros masks regions zs. induction 1 as [|z zs (r & R & E) _ (rs & F & G)]; [exists []; auto|].
  exists (r :: rs). auto.
Qed.

Lemma signatures_of_regions : forall masks (regions : region_set) zs,
  (forall r, regions r -> exists z, In z zs /\ encodes masks r z) ->
  forall rs, Forall regions rs ->
  exists cs, Forall (fun z => In z zs) cs /\ Forall2 (fun z r => regions r /\ encodes masks r z) cs rs.
Proof.
  intros masks regions zs All rs. induction 1 as [|r rs R _ (cs & F & G)]; [exists []; auto|].
  destruct (All r R) as (z & Z & E). exists (z :: cs). auto.
Qed.

Lemma bit_of_mask : forall masks (regions : region_set) zs rs m,
  Forall2 (fun z r => regions r /\ encodes masks r z) zs rs -> Forall (fun r => signature masks r m) rs -> zs <> [] ->
  exists i, 0 <= i /\ Forall (fun z => Z.testbit z i = true) zs.
Proof.
  intros masks regions zs rs m G M N.
  assert (I : In m masks) by (destruct G; [congruence | inversion M as [|? ? [I _]]; exact I]).
  apply In_nth_error in I. destruct I as (i & I). exists (Z.of_nat i). split; [lia|]. clear N.
  induction G as [|z r zs rs [_ [_ E]] G IH]; inversion M as [|? ? [_ H] M']; subst; constructor; [|auto].
  apply E; [lia|]. exists m. rewrite Nat2Z.id. auto.
Qed.

(** As computed: masks cover k + 1 patches exactly when no tuple, joined patch by patch, is left without
    a mask. *)
Theorem covers_iff_minimal_shared : forall masks regions zs k, all_signatures masks regions zs ->
  (covers masks (patches (S k) regions) <-> ~ In 0 (minimal_shared bits_in Z.land zs (repeat zs k))).
Proof.
  intros masks regions zs k [Own All]. rewrite covers_iff_signatures by apply Nat.lt_0_succ.
  assert (Below := minimal_shared_below bits_in Z.land
    (fun s => proj2 (bits_in_iff s s) (fun _ b => b))
    ltac:(intros s t u; rewrite !bits_in_iff; auto)
    ltac:(intros s s' t t'; rewrite !bits_in_iff; intros P Q i; rewrite !Z.land_spec, !Bool.andb_true_iff; intuition)
    zs (repeat zs k)).
  destruct Below as [A B]. split.
  - intros C I. destruct (A 0 I) as (c & cs & Hc & F & E).
    assert (Each : Forall (fun z => In z zs) cs /\ length cs = k).
    { clear -F. revert cs F. induction k as [|k IH]; intros cs F; inversion F as [|? ? ? ? ? F']; subst; [auto|].
      destruct (IH _ F'). split; [constructor; assumption | simpl; congruence]. }
    destruct Each as (Each & L).
    destruct (regions_of_signatures masks regions (c :: cs)) as (rs & R & G).
    { constructor; [apply Own, Hc | revert Each; apply Forall_impl, Own]. }
    destruct (C rs) as (m & M); [rewrite (same_length _ _ _ _ _ G); simpl; congruence | exact R |].
    destruct (bit_of_mask masks regions (c :: cs) rs m G M) as (i & P & Bits); [discriminate|].
    inversion Bits; subst. assert (T : Z.testbit (fold_left Z.land cs c) i = true) by (apply bits_of_meet; auto).
    rewrite <- E, Z.bits_0 in T. discriminate.
  - intros N rs L R. destruct rs as [|r rs]; [discriminate|]. apply Forall_cons_iff in R. destruct R as [Rr R].
    destruct (All r Rr) as (c & Hc & Ec).
    destruct (signatures_of_regions masks regions zs All rs R) as (cs & Each & G).
    assert (F : Forall2 (@In Z) cs (repeat zs k)).
    { simpl in L. injection L as L. rewrite <- L, (same_length _ _ _ _ _ G). clear -Each.
      induction Each; simpl; constructor; assumption. }
    destruct (B (fold_left Z.land cs c)) as (s & Is & Ls); [exists c, cs; auto|].
    assert (P : 0 < fold_left Z.land cs c).
    { assert (0 <= fold_left Z.land cs c).
      { destruct Ec as [Ec _]. clear -Ec. revert c Ec. induction cs; simpl; intros c Ec; [exact Ec|].
        apply IHcs, Z.land_nonneg. auto. }
      assert (fold_left Z.land cs c <> 0); [|lia]. intro Z0. rewrite Z0 in Ls. unfold bits_in in Ls.
      rewrite Z.land_0_r in Ls. apply Z.eqb_eq in Ls. subst. apply N, Is. }
    pose proof (Z.bit_log2 _ P) as T. assert (P0 := Z.log2_nonneg (fold_left Z.land cs c)).
    generalize dependent (Z.log2 (fold_left Z.land cs c)). intros i T P0.
    apply bits_of_meet in T. destruct T as (Tc & Tcs).
    apply Ec in Tc; [|assumption]. destruct Tc as (m & M & I). exists m.
    assert (Im : In m masks) by (eapply nth_error_In; exact M).
    constructor; [split; assumption|].
    clear - G Tcs M P0 Im.
    induction G as [|z r cs rs [_ [_ Er]] G IH]; inversion Tcs as [|? ? Tz Tzs]; subst; constructor.
    + apply Er in Tz; [|assumption]. destruct Tz as (m' & M' & I').
      rewrite M in M'. inversion M'; subst. split; assumption.
    + apply IH, Tzs.
Qed.
