(** Axes on which every patch lies inside several masks. Python: maskcover.covering.axis (`fold`). *)

From Coq Require Import ZArith List Lia Sorting.Sorted.
From Maskcover Require Import Axis.
Import ListNotations.
Open Scope Z_scope.

(** Starts of an axis of which each patch lies inside f masks: f − 1 more before the first and after the last, here by
    number, from −(f−1) to K + f − 1, where K = ⌈(n−m)/s⌉ is the number of the last one on the axis. *)
Definition fold_start (n m s j : Z) : Z :=
  if j <? 0 then j * s
  else if j <=? ceil_div (n - m) s then Z.min (j * s) (n - m)
  else n - m + (j - ceil_div (n - m) s) * s.

Lemma fold_step : forall n m s j, m <= n -> 1 <= s ->
  fold_start n m s j < fold_start n m s (j + 1) <= fold_start n m s j + s.
Proof.
  intros n m s j N S. unfold fold_start. pose proof (ceil_div_spec (n - m) s ltac:(lia)).
  set (k := ceil_div (n - m) s) in *. clearbody k. assert (0 <= k) by nia.
  destruct (Z.ltb_spec j 0), (Z.ltb_spec (j + 1) 0), (Z.leb_spec j k), (Z.leb_spec (j + 1) k); try lia; try nia.
Qed.

Lemma fold_steps : forall n m s (d : nat) j, m <= n -> 1 <= s ->
  fold_start n m s j + Z.of_nat d <= fold_start n m s (j + Z.of_nat d) <= fold_start n m s j + Z.of_nat d * s.
Proof.
  intros n m s d j N S. induction d as [|d IH]; [cbn [Z.of_nat]; rewrite !Z.add_0_r; lia|].
  pose proof (fold_step n m s (j + Z.of_nat d) N S) as Q.
  replace (j + Z.of_nat (Datatypes.S d)) with (j + Z.of_nat d + 1) by lia.
  rewrite Nat2Z.inj_succ, Z.mul_succ_l. lia.
Qed.

Lemma last_before : forall n m s u (d : nat) a, m <= n -> 1 <= s -> fold_start n m s a <= u ->
  exists j, a <= j <= a + Z.of_nat d /\ fold_start n m s j <= u /\
    (j = a + Z.of_nat d \/ u < fold_start n m s (j + 1)).
Proof.
  intros n m s u d. induction d as [|d IH]; intros a N S L.
  - exists a. repeat split; try lia.
  - destruct (Z.le_gt_cases (fold_start n m s (a + 1)) u) as [G|G].
    + destruct (IH (a + 1) N S G) as (j & J & K & [E|E]); exists j; repeat split; try lia.
    + exists a. repeat split; try lia.
Qed.

Lemma folds_ascend : forall n m s i j, m <= n -> 1 <= s -> i < j -> fold_start n m s i < fold_start n m s j.
Proof.
  intros n m s i j N S L. pose proof (fold_steps n m s (Z.to_nat (j - i)) i N S) as Q.
  rewrite Z2Nat.id in Q by lia. replace (i + (j - i)) with j in Q by lia. lia.
Qed.

(** All starts, in ascending order. *)
Definition folded_starts (n m s f : Z) : list Z :=
  map (fun j => fold_start n m s (j - (f - 1))) (below (axis_count n m s + 2 * (f - 1))).

Theorem folded_ascend : forall n m s f, m <= n -> 1 <= s -> StronglySorted Z.lt (folded_starts n m s f).
Proof.
  intros n m s f N S. unfold folded_starts, below. rewrite map_map. apply sorted_map_seq.
  intros. apply folds_ascend; lia.
Qed.

(** Eq. 2, generalised: 2 (f − 1) more masks. *)
Theorem folded_count : forall n m s f, m <= n -> 1 <= s -> 1 <= f ->
  Z.of_nat (length (folded_starts n m s f)) = ceil_div (n - m) s + 1 + 2 * (f - 1).
Proof.
  intros n m s f N S F. unfold folded_starts. rewrite map_length, length_below. unfold axis_count.
  pose proof (ceil_div_spec (n - m) s ltac:(lia)). nia.
Qed.

(** With f = 1 they are those of Eq. 1. *)
Theorem folded_once : forall n m s, m <= n -> 1 <= s -> folded_starts n m s 1 = axis_starts n m s.
Proof.
  intros n m s N S. unfold folded_starts, axis_starts.
  replace (axis_count n m s + 2 * (1 - 1)) with (axis_count n m s) by lia.
  apply map_ext_in. intros j J. apply in_below in J. unfold axis_count in J. unfold fold_start.
  replace (j - (1 - 1)) with j by lia.
  destruct (Z.ltb_spec j 0), (Z.leb_spec j (ceil_div (n - m) s)); lia.
Qed.

(** Consecutive numbers of f starts around a patch. *)
Lemma folds_around : forall n m s f p u, 1 <= m <= n -> 1 <= s -> 1 <= f -> 1 <= p <= m - f * s + 1 ->
  0 <= u -> u + p <= n -> exists j, 0 <= j <= ceil_div (n - m) s + (f - 1) /\
    forall i, j - (f - 1) <= i <= j -> fold_start n m s i <= u /\ u + p <= fold_start n m s i + m.
Proof.
  intros n m s f p u M S F P L U. set (k := ceil_div (n - m) s).
  assert (K : n - m <= s * k < n - m + s) by (apply ceil_div_spec; lia). assert (0 <= k) by nia.
  assert (Z0 : fold_start n m s 0 = 0).
  { unfold fold_start. fold k. destruct (Z.ltb_spec 0 0), (Z.leb_spec 0 k); lia. }
  assert (Zk : fold_start n m s k = n - m).
  { unfold fold_start. fold k. destruct (Z.ltb_spec k 0), (Z.leb_spec k k); lia. }
  destruct (last_before n m s u (Z.to_nat (k + (f - 1))) 0 ltac:(lia) S ltac:(lia)) as (j & J & Lj & E).
  exists j. split; [lia | intros i I].
  pose proof (fold_steps n m s (Z.to_nat (j - i)) i ltac:(lia) S) as Q. rewrite Z2Nat.id in Q by lia.
  replace (i + (j - i)) with j in Q by lia. split; [lia|].
  destruct E as [E|E].
  - pose proof (fold_steps n m s (Z.to_nat (i - k)) k ltac:(lia) S) as R. rewrite Z2Nat.id in R by lia.
    replace (k + (i - k)) with i in R by lia. lia.
  - pose proof (fold_step n m s j ltac:(lia) S). assert ((j - i) * s <= (f - 1) * s) by nia. lia.
Qed.

(** Lemma 4, several times over: every patch of at most m − f s + 1 cells lies inside f different masks. *)
Theorem lemma4_folded : forall n m s f p u, 1 <= m <= n -> 1 <= s -> 1 <= f -> 1 <= p <= m - f * s + 1 ->
  0 <= u -> u + p <= n -> exists starts, NoDup starts /\ Z.of_nat (length starts) = f /\
    Forall (fun i => In i (folded_starts n m s f) /\ i <= u /\ u + p <= i + m) starts.
Proof.
  intros n m s f p u M S F P L U. destruct (folds_around n m s f p u M S F P L U) as (j & J & A).
  exists (map (fun d => fold_start n m s (j - (f - 1) + d)) (below f)). repeat split.
  - apply sorted_nodup. unfold below. rewrite map_map. apply sorted_map_seq. intros. apply folds_ascend; lia.
  - rewrite map_length, length_below. lia.
  - apply Forall_forall. intros i I. apply in_map_iff in I. destruct I as (d & <- & D). apply in_below in D.
    split; [|apply A; lia]. apply in_map_iff. exists (j + d). split; [f_equal; lia|].
    apply in_below. unfold axis_count. lia.
Qed.
