(** Several patches at once (section 5.1, appendix B) and the signature criterion (docs/theory.md, Masks for one shape).
    Python: maskcover.covering.signatures. *)

From Coq Require Import List Arith Lia.
From Maskcover Require Import Cells Products.
Import ListNotations.

Lemma same_length : forall A B (P : A -> B -> Prop) l l', Forall2 P l l' -> length l' = length l.
Proof. induction 1; simpl; congruence. Qed.

(** The union of some regions. *)
Definition union (rs : list cells) : cells := fun c => exists r, In r rs /\ r c.

(** What an attacker with k patches may overwrite: k regions, together. *)
Definition patches (k : nat) (regions : region_set) : region_set := fun r =>
  exists rs, length rs = k /\ Forall regions rs /\ forall c, r c <-> union rs c.

(** All unions of k masks. *)
Definition unions (k : nat) (masks : list mask) : list mask := map (@concat box) (choices (repeat masks k)).

Lemma hides_concat : forall ms c, hides (concat ms) c <-> exists m, In m ms /\ hides m c.
Proof.
  intros ms c. unfold hides. rewrite Exists_exists. split.
  - intros (b & B & C). apply in_concat in B. destruct B as (m & M & B).
    exists m. split; [exact M|]. apply Exists_exists. eauto.
  - intros (m & M & E). apply Exists_exists in E. destruct E as (b & B & C).
    exists b. split; [|exact C]. apply in_concat. eauto.
Qed.

(** A region for each of which there is a mask: all of them hidden by one union. *)
Lemma choose_masks : forall masks rs, Forall (fun r => exists m, In m masks /\ inside r (hides m)) rs ->
  exists ms, Forall2 (fun r m => In m masks /\ inside r (hides m)) rs ms.
Proof.
  intros masks rs. induction 1 as [|r rs (m & M & I) _ (ms & F)]; [exists []; constructor|].
  exists (m :: ms). constructor; auto.
Qed.

(** Appendix B: the unions of k masks of a cover for one patch cover k patches. *)
Theorem unions_cover : forall masks regions k, covers masks regions -> covers (unions k masks) (patches k regions).
Proof.
  intros masks regions k C r (rs & L & F & E).
  destruct (choose_masks masks rs) as (ms & G); [revert F; apply Forall_impl; exact C|].
  exists (concat ms). split.
  - apply in_map, in_choices. subst k. clear -G. induction G; simpl; constructor; tauto.
  - intros c Hc. apply E in Hc. destruct Hc as (r0 & R & Hc). apply hides_concat.
    clear -G R Hc. induction G as [|r1 m rs ms [_ I] _ IH]; [destruct R|]. destruct R as [->|R].
    + exists m. split; [left; reflexivity | apply I, Hc].
    + destruct (IH R) as (m' & M & H). exists m'. split; [right; exact M | exact H].
Qed.

(** There are as many such unions as masks to the power k, counted with repetition. *)
Theorem unions_count : forall masks k, length (unions k masks) = length masks ^ k.
Proof.
  intros masks k. unfold unions. rewrite map_length, length_choices.
  induction k as [|k IH]; [reflexivity|]. simpl. f_equal. exact IH.
Qed.

(** ** Signatures *)

(** The signature of a region: which masks of the set contain it. *)
Definition signature (masks : list mask) (r : cells) : mask -> Prop := fun m => In m masks /\ inside r (hides m).

(** Masks cover k patches exactly when every k regions have a mask common to their signatures. *)
Theorem covers_iff_signatures : forall masks regions k, 0 < k ->
  (covers masks (patches k regions) <->
   forall rs, length rs = k -> Forall regions rs -> exists m, Forall (fun r => signature masks r m) rs).
Proof.
  intros masks regions k K. split.
  - intros C rs L F. destruct (C (union rs)) as (m & M & I); [exists rs; intuition|].
    exists m. apply Forall_forall. intros r R. split; [exact M|]. intros c Hc. apply I. exists r. auto.
  - intros S r (rs & L & F & E). destruct (S rs L F) as (m & G). rewrite Forall_forall in G.
    exists m. split.
    + destruct rs as [|r0 rs]; [simpl in L; lia|]. apply (G r0). left; reflexivity.
    + intros c Hc. apply E in Hc. destruct Hc as (r0 & R & Hc). apply (proj2 (G r0 R)), Hc.
Qed.

(** A set of signatures stands for all when each of them belongs to a region and each region's holds one of them. *)
Definition stands_for (sigs : (mask -> Prop) -> Prop) (masks : list mask) (regions : region_set) : Prop :=
  (forall s, sigs s -> exists r, regions r /\ forall m, s m <-> signature masks r m) /\
  (forall r, regions r -> exists s, sigs s /\ forall m, s m -> signature masks r m).

(** Only such signatures, the inclusion-minimal ones, matter. *)
Theorem minimal_signatures_suffice : forall sigs masks regions k, 0 < k -> stands_for sigs masks regions ->
  (covers masks (patches k regions) <->
   forall ss, length ss = k -> Forall sigs ss -> exists m, Forall (fun s : mask -> Prop => s m) ss).
Proof.
  intros sigs masks regions k K [Own Below]. rewrite covers_iff_signatures by exact K. split.
  - intros C ss L F.
    assert (X : exists rs, Forall2 (fun s r => regions r /\ forall m, s m <-> signature masks r m) ss rs).
    { clear L. induction F as [|s ss Hs _ (rs & G)]; [exists []; constructor|].
      destruct (Own s Hs) as (r & R). exists (r :: rs). constructor; assumption. }
    destruct X as (rs & G). destruct (C rs) as (m & M).
    + rewrite <- L. exact (same_length _ _ _ _ _ G).
    + clear -G. induction G as [|? ? ? ? [H _]]; constructor; assumption.
    + exists m. clear -G M. induction G as [|s r ss rs [_ H] _ IH]; constructor; inversion M; subst.
      * apply H. assumption.
      * apply IH. assumption.
  - intros S rs L F.
    assert (X : exists ss, Forall2 (fun r s => sigs s /\ forall m, s m -> signature masks r m) rs ss).
    { clear L. induction F as [|r rs Hr _ (ss & G)]; [exists []; constructor|].
      destruct (Below r Hr) as (s & Hs). exists (s :: ss). constructor; assumption. }
    destruct X as (ss & G). destruct (S ss) as (m & M).
    + rewrite <- L. exact (same_length _ _ _ _ _ G).
    + clear -G. induction G as [|? ? ? ? [H _]]; constructor; assumption.
    + exists m. clear -G M. induction G as [|r s rs ss [_ H] _ IH]; constructor; inversion M; subst.
      * apply H. assumption.
      * apply IH. assumption.
Qed.
