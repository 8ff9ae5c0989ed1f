(** One axis: Eq. 1–3 and Lemma 4 of the paper (section 3.4, appendix E). Python: maskcover.covering.axis. *)

From Coq Require Import ZArith List Lia Sorting.Sorted.
Import ListNotations.
Open Scope Z_scope.

Definition ceil_div (a b : Z) : Z := - ((- a) / b).

Lemma ceil_div_spec : forall a b, 0 < b -> a <= b * ceil_div a b < a + b.
Proof.
  intros a b B. unfold ceil_div. pose proof (Z.div_mod (- a) b). pose proof (Z.mod_pos_bound (- a) b). lia.
Qed.

(** 0, 1, … below k. *)
Definition below (k : Z) : list Z := map Z.of_nat (seq 0 (Z.to_nat k)).

Lemma in_below : forall k i, In i (below k) <-> 0 <= i < k.
Proof.
  intros k i. unfold below. rewrite in_map_iff. split.
  - intros (j & <- & H). apply in_seq in H. lia.
  - intro H. exists (Z.to_nat i). rewrite in_seq. lia.
Qed.

Lemma length_below : forall k, length (below k) = Z.to_nat k.
Proof. intro k. unfold below. rewrite map_length. apply seq_length. Qed.

(** Masks of m cells on an axis of n cells, one every s cells, the last one flush with the end. *)
Definition axis_count (n m s : Z) : Z := ceil_div (n - m) s + 1.

Definition axis_starts (n m s : Z) : list Z := map (fun j => Z.min (j * s) (n - m)) (below (axis_count n m s)).

(** Eq. 1: the starts are 0, s, 2s, … up to ⌊(n−m)/s⌋ s, and n−m. *)
Theorem eq1_starts : forall n m s i, m <= n -> 1 <= s ->
  (In i (axis_starts n m s) <-> (exists j, 0 <= j <= (n - m) / s /\ i = j * s) \/ i = n - m).
Proof.
  intros n m s i N S. unfold axis_starts, axis_count. rewrite in_map_iff.
  pose proof (ceil_div_spec (n - m) s ltac:(lia)) as C.
  assert (D : s * ((n - m) / s) <= n - m < s * ((n - m) / s) + s).
  { pose proof (Z.div_mod (n - m) s). pose proof (Z.mod_pos_bound (n - m) s). lia. }
  set (q := (n - m) / s) in *. set (k := ceil_div (n - m) s) in *. clearbody q k.
  split.
  - intros (j & <- & J). apply in_below in J. destruct (Z.le_gt_cases (j * s) (n - m)).
    + left. exists j. split; [nia | lia].
    + right. lia.
  - intros [(j & J & ->) | ->].
    + exists j. rewrite in_below. split; [nia | nia].
    + exists k. rewrite in_below. split; [nia | nia].
Qed.

Lemma sorted_map_seq : forall (f : nat -> Z) k a,
  (forall i j, (a <= i < j)%nat -> (j < a + k)%nat -> f i < f j) -> StronglySorted Z.lt (map f (seq a k)).
Proof.
  intros f k. induction k; intros a H; simpl; constructor.
  - apply IHk. intros; apply H; lia.
  - apply Forall_forall. intros y Y. apply in_map_iff in Y. destruct Y as (j & <- & J).
    apply in_seq in J. apply H; lia.
Qed.

(** The starts are listed in ascending order, each once. *)
Theorem starts_ascend : forall n m s, m <= n -> 1 <= s -> StronglySorted Z.lt (axis_starts n m s).
Proof.
  intros n m s N S. unfold axis_starts, below. rewrite map_map. apply sorted_map_seq.
  pose proof (ceil_div_spec (n - m) s ltac:(lia)). unfold axis_count.
  set (k := ceil_div (n - m) s) in *. clearbody k. intros i j I J. nia.
Qed.

Lemma sorted_nodup : forall l, StronglySorted Z.lt l -> NoDup l.
Proof.
  induction 1 as [|x l Hs IH F]; constructor; [|exact IH].
  intro I. rewrite Forall_forall in F. specialize (F x I). lia.
Qed.

(** Eq. 2: there are ⌈(n−m)/s⌉ + 1 of them, all different. *)
Theorem eq2_count : forall n m s, m <= n -> 1 <= s ->
  NoDup (axis_starts n m s) /\ Z.of_nat (length (axis_starts n m s)) = ceil_div (n - m) s + 1.
Proof.
  intros n m s N S. split; [apply sorted_nodup, starts_ascend; assumption|].
  unfold axis_starts. rewrite map_length, length_below. unfold axis_count.
  pose proof (ceil_div_spec (n - m) s ltac:(lia)). nia.
Qed.

(** Every mask lies on the axis. *)
Theorem starts_on_axis : forall n m s i, m <= n -> 1 <= s -> In i (axis_starts n m s) -> 0 <= i <= n - m.
Proof.
  intros n m s i N S I. apply in_map_iff in I. destruct I as (j & <- & J). apply in_below in J. nia.
Qed.

(** Masks of m cells at some starts cover the patches of p cells on an axis of n cells. *)
Definition axis_covers (n m : Z) (starts : list Z) (p : Z) : Prop :=
  forall u, 0 <= u -> u + p <= n -> exists i, In i starts /\ i <= u /\ u + p <= i + m.

(** Lemma 4 and its converse, exactly: the masks cover the patches of p cells precisely when
    p <= m − min(s, n−m) + 1. One stride is never longer than what is left of the axis. *)
Theorem axis_covers_iff : forall n m s p, 1 <= m <= n -> 1 <= s -> 1 <= p <= n ->
  (axis_covers n m (axis_starts n m s) p <-> p <= m - Z.min s (n - m) + 1).
Proof.
  intros n m s p M S P. split.
  - intro C. destruct (Z.le_gt_cases p (m - Z.min s (n - m) + 1)) as [|G]; [assumption|exfalso].
    set (g := Z.min s (n - m)) in *.
    destruct (C (Z.min (g - 1) (n - p)) ltac:(lia) ltac:(lia)) as (i & I & L & U).
    apply eq1_starts in I; [|lia|lia]. destruct I as [(j & [J _] & ->) | ->]; [|lia].
    destruct (Z.eq_dec j 0) as [->|]; [lia|]. assert (s <= j * s) by nia. lia.
  - intros B u U V. destruct (Z.le_gt_cases (n - m) u) as [G|G].
    + exists (n - m). rewrite eq1_starts by lia. split; [auto | lia].
    + assert (0 <= u / s) by (apply Z.div_pos; lia).
      assert (s * (u / s) <= u < s * (u / s) + s)
        by (pose proof (Z.div_mod u s); pose proof (Z.mod_pos_bound u s); lia).
      exists (u / s * s). rewrite eq1_starts by lia. split; [|nia].
      left. exists (u / s). split; [|reflexivity]. split; [lia|]. apply Z.div_le_mono; lia.
Qed.

(** Lemma 4: every patch of at most m − s + 1 cells lies inside a mask, wherever it lies. *)
Theorem lemma4 : forall n m s p, 1 <= m <= n -> 1 <= s -> 1 <= p <= m - s + 1 ->
  axis_covers n m (axis_starts n m s) p.
Proof. intros n m s p M S P. apply axis_covers_iff; lia. Qed.

(** The converse of Lemma 4: where the axis is longer than one mask by a stride or more, no larger patch is covered. *)
Theorem lemma4_converse : forall n m s p, 1 <= m <= n -> 1 <= s -> 1 <= p <= n ->
  s <= n - m -> m - s + 1 < p -> ~ axis_covers n m (axis_starts n m s) p.
Proof. intros n m s p M S P L G C. apply axis_covers_iff in C; lia. Qed.

(** Eq. 3: stride and size for patches of p cells and a budget of k masks. *)
Definition eq3_stride (n p k : Z) : Z := ceil_div (n - p + 1) k.
Definition eq3_size (n p k : Z) : Z := p + eq3_stride n p k - 1.

Lemma eq3_range : forall n p k, 1 <= p <= n -> 1 <= k -> 1 <= eq3_stride n p k /\ p <= eq3_size n p k <= n.
Proof.
  intros n p k P K. unfold eq3_size, eq3_stride. pose proof (ceil_div_spec (n - p + 1) k ltac:(lia)). nia.
Qed.

(** The size is that of Lemma 4 for the stride; the count is the number of strides among the places. *)
Lemma count_of_places : forall n p s, 1 <= s -> axis_count n (p + s - 1) s = ceil_div (n - p + 1) s.
Proof.
  intros n p s S. unfold axis_count. pose proof (ceil_div_spec (n - (p + s - 1)) s ltac:(lia)).
  pose proof (ceil_div_spec (n - p + 1) s ltac:(lia)). nia.
Qed.

(** Eq. 3: the budget is never exceeded. *)
Theorem eq3_budget : forall n p k, 1 <= p <= n -> 1 <= k ->
  Z.of_nat (length (axis_starts n (eq3_size n p k) (eq3_stride n p k))) <= k.
Proof.
  intros n p k P K. destruct (eq3_range n p k P K) as [S M].
  rewrite (proj2 (eq2_count n (eq3_size n p k) (eq3_stride n p k) ltac:(lia) S)).
  change (axis_count n (p + eq3_stride n p k - 1) (eq3_stride n p k) <= k). rewrite count_of_places by lia.
  unfold eq3_stride in *. pose proof (ceil_div_spec (n - p + 1) k ltac:(lia)).
  set (s := ceil_div (n - p + 1) k) in *. pose proof (ceil_div_spec (n - p + 1) s ltac:(lia)). nia.
Qed.

(** Eq. 3: the size suffices. *)
Theorem eq3_covers : forall n p k, 1 <= p <= n -> 1 <= k ->
  axis_covers n (eq3_size n p k) (axis_starts n (eq3_size n p k) (eq3_stride n p k)) p.
Proof.
  intros n p k P K. destruct (eq3_range n p k P K). apply lemma4; try lia. unfold eq3_size. lia.
Qed.

(** The paper's figures: k = 6 masks for a 2 % square of 32 cells on 224, and Figure 3, right. *)
Example eq3_two_percent : eq3_stride 224 32 6 = 33 /\ eq3_size 224 32 6 = 64 /\
  axis_starts 224 64 33 = [0; 33; 66; 99; 132; 160].
Proof. repeat split. Qed.

Example figure_3 : axis_starts 6 3 2 = [0; 2; 3] /\ axis_starts 6 2 1 = [0; 1; 2; 3; 4].
Proof. repeat split. Qed.
