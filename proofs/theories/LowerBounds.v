(** Lower bounds: how many masks every cover needs (docs/theory.md, Masks for one shape). Python:
    maskcover.covering.lower, .search.bounds. *)

From Coq Require Import ZArith List Lia.
From Maskcover Require Import Cells Erosion Axis Products.
Import ListNotations.
Open Scope Z_scope.

(** Placements named by the elements of a list are independent if no admissible mask holds two of them. *)
Definition independent {P} (admissible : mask -> Prop) (region : P -> cells) (places : list P) : Prop :=
  forall m x y, admissible m -> In x places -> In y places ->
  inside (region x) (hides m) -> inside (region y) (hides m) -> x = y.

(** An independent set of placements bounds the number of admissible masks of every cover from below. *)
Theorem independent_bound : forall P (admissible : mask -> Prop) (region : P -> cells) places masks
    (regions : region_set),
  NoDup places -> independent admissible region places -> (forall x, In x places -> regions (region x)) ->
  Forall admissible masks -> covers masks regions -> (length places <= length masks)%nat.
Proof.
  intros P adm region places masks regions N Ind R Adm C. rewrite Forall_forall in Adm.
  assert (X : exists ms, Forall2 (fun x m => In m masks /\ inside (region x) (hides m)) places ms).
  { clear N Ind. induction places as [|x places IH]; [exists []; constructor|].
    destruct IH as (ms & F); [intros; apply R; right; assumption|].
    destruct (C (region x)) as (m & M); [apply R; left; reflexivity|]. exists (m :: ms). constructor; assumption. }
  destruct X as (ms & F).
  assert (E : length ms = length places) by (clear -F; induction F; simpl; congruence).
  assert (B : forall m, In m ms -> In m masks /\ exists x, In x places /\ inside (region x) (hides m)).
  { clear -F. induction F as [|x m places ms [A I] F IH]; [intros m []|]. intros m' [<- | M].
    - split; [exact A | exists x; split; [left; reflexivity | exact I]].
    - destruct (IH m' M) as (A' & x' & X & I'). split; [exact A' | exists x'; split; [right; exact X | exact I']]. }
  rewrite <- E. apply NoDup_incl_length; [|intros m M; apply B, M].
  clear E. revert N Ind B. induction F as [|x m places ms [A I] F IH]; intros N Ind B; [constructor|].
  inversion N as [|? ? Nx Np]; subst.
  assert (S : forall m', In m' ms -> exists x', In x' places /\ inside (region x') (hides m')).
  { clear -F. induction F as [|x m places ms [A I] F IH]; [intros m []|]. intros m' [<- | M].
    - exists x. split; [left; reflexivity | exact I].
    - destruct (IH m' M) as (x' & X & I'). exists x'. split; [right; exact X | exact I']. }
  constructor.
  - intro M. destruct (S m M) as (x' & X & I'). apply Nx.
    rewrite (Ind m x x' (Adm m A) (or_introl eq_refl) (or_intror X) I I'). exact X.
  - apply IH; [intros; apply R; right; assumption | exact Np | |].
    + intros m' y z Am Y Z. apply Ind; auto; right; assumption.
    + intros m' M. split; [apply B; right; exact M | apply S, M].
Qed.

(** ** One axis *)

(** Places one stride apart, as many as fit: 0, g, 2g, … up to n − p. *)
Definition spaced (n p g : Z) : list Z := map (fun j => j * g) (below (ceil_div (n - p + 1) g)).

Lemma in_spaced : forall n p g u, 1 <= g -> In u (spaced n p g) -> exists j, u = j * g /\ 0 <= u /\ u + p <= n.
Proof.
  intros n p g u G I. apply in_map_iff in I. destruct I as (j & <- & J). apply in_below in J.
  pose proof (ceil_div_spec (n - p + 1) g ltac:(lia)). exists j. split; [reflexivity|]. nia.
Qed.

Lemma nodup_spaced : forall n p g, 1 <= g -> NoDup (spaced n p g).
Proof.
  intros n p g G. apply sorted_nodup. unfold spaced, below. rewrite map_map. apply sorted_map_seq. intros. nia.
Qed.

Lemma length_spaced : forall n p g, length (spaced n p g) = Z.to_nat (ceil_div (n - p + 1) g).
Proof. intros. unfold spaced. rewrite map_length. apply length_below. Qed.

(** Two such places inside one interval of p + g − 1 cells are the same. *)
Lemma spaced_apart : forall n p g u u' lo hi, 1 <= g -> In u (spaced n p g) -> In u' (spaced n p g) ->
  hi - lo <= p + g - 1 -> lo <= u -> u + p <= hi -> lo <= u' -> u' + p <= hi -> u = u'.
Proof.
  intros n p g u u' lo hi G I J L. apply in_spaced in I, J; try assumption.
  destruct I as (j & -> & _), J as (j' & -> & _). intros. assert (j = j') by nia. subst. reflexivity.
Qed.

(** ** Boxes, in any dimension *)

(** For each axis its cells n, those of the patch p, and the stride s. *)
Definition strided := (axis_shape * Z)%type.

Definition sound_strided (axis : strided) : Prop :=
  let '((n, p), s) := axis in 1 <= p /\ 1 <= s /\ p + s - 1 <= n.

(** Masks of m = p + s − 1 cells, one every s cells. *)
Definition strided_sides (axis : strided) : list (Z * Z) :=
  let '((n, p), s) := axis in sides_of (p + s - 1) (axis_starts n (p + s - 1) s).

(** Admissible: a mask that lies in a box of at most these sides. *)
Definition within (sizes : list Z) (m : mask) : Prop :=
  exists b, Forall2 (fun side size => snd side - fst side <= size) b sizes /\
            inside (hides m) (fun c => in_box c b).

Definition mask_size (axis : strided) : Z := let '((n, p), s) := axis in p + s - 1.
Definition spaced_on (axis : strided) : list Z := let '((n, p), s) := axis in spaced n p s.

Lemma nonempty_box_at : forall axes u, Forall sound_strided axes -> nonempty (box_at u (map snd (map fst axes))).
Proof.
  intros axes u F. revert u. induction F as [|((n, p), s) axes S F IH]; intros [|x u]; simpl; constructor.
  - simpl in *. lia.
  - apply IH.
Qed.

Lemma spaced_independent : forall axes, Forall sound_strided axes ->
  independent (within (map mask_size axes)) (fun u c => in_box c (box_at u (map snd (map fst axes))))
    (choices (map spaced_on axes)).
Proof.
  intros axes F m u v (b & L & I) U V Iu Iv.
  assert (Su : subbox (box_at u (map snd (map fst axes))) b).
  { apply inside_iff_subbox; [apply nonempty_box_at, F | intros c C; apply I, Iu, C]. }
  assert (Sv : subbox (box_at v (map snd (map fst axes))) b).
  { apply inside_iff_subbox; [apply nonempty_box_at, F | intros c C; apply I, Iv, C]. }
  clear I Iu Iv m. apply in_choices in U, V. revert u v b L U V Su Sv.
  induction F as [|((n, p), s) axes S F IH]; intros u v b L U V Su Sv; inversion U; subst; inversion V; subst;
    [reflexivity|].
  unfold box_at in Su, Sv; simpl in *. inversion Su; subst. inversion Sv; subst. inversion L; subst. simpl in *.
  f_equal.
  - eapply spaced_apart with (n := n) (p := p) (g := s); try eassumption; try lia; tauto.
  - eapply IH; eassumption.
Qed.

Lemma spaced_placed : forall axes u, Forall sound_strided axes -> In u (choices (map spaced_on axes)) ->
  placed (map fst axes) u.
Proof.
  intros axes u F U. apply in_choices in U. revert u U.
  induction F as [|((n, p), s) axes S F IH]; intros u U; simpl in U; inversion U; subst; constructor.
  - destruct S as (_ & S & _).
    match goal with H : In _ _ |- _ => apply in_spaced in H; [destruct H as (_ & _ & H); exact H | exact S]
    end.
  - apply IH. assumption.
Qed.

(** The product grid is a cover, and it has as many masks as there are spaced placements. *)
Lemma strided_counts : forall axes, Forall sound_strided axes ->
  length (product_masks (map strided_sides axes)) = length (choices (map spaced_on axes)).
Proof.
  intros axes F. rewrite product_count, length_choices.
  induction F as [|((n, p), s) axes S F IH]; simpl; [reflexivity|]. rewrite IH. f_equal.
  rewrite length_spaced. unfold sides_of, axis_starts. rewrite !map_length, length_below.
  simpl in S. rewrite count_of_places by lia. reflexivity.
Qed.

Theorem strided_covers : forall axes, Forall sound_strided axes ->
  covers (product_masks (map strided_sides axes)) (box_regions (map fst axes)).
Proof.
  intros axes F. apply product_covers.
  induction F as [|((n, p), s) axes S F IH]; simpl; constructor; [|exact IH].
  apply sides_cover_of, lemma4; simpl in S; lia.
Qed.

(** For one box shape, in any dimension, no cover by masks in boxes of the same size has fewer masks than
    the product grid. *)
Theorem product_minimal : forall axes masks, Forall sound_strided axes ->
  Forall (within (map mask_size axes)) masks -> covers masks (box_regions (map fst axes)) ->
  (length (product_masks (map strided_sides axes)) <= length masks)%nat.
Proof.
  intros axes masks F A C. rewrite strided_counts by exact F.
  eapply independent_bound; [| apply spaced_independent, F | | exact A | exact C].
  - apply nodup_choices. clear -F. induction F as [|((n, p), s) axes S F IH]; constructor; [|exact IH].
    apply nodup_spaced. simpl in S. lia.
  - intros u U. exists u. split; [apply spaced_placed; assumption | reflexivity].
Qed.

(** One axis: ⌈(n−m)/s⌉ + 1 masks of m = p + s − 1 cells are the fewest that cover patches of p cells. *)
Corollary axis_minimal : forall n p s masks, 1 <= p -> 1 <= s -> p + s - 1 <= n ->
  Forall (within [p + s - 1]) masks -> covers masks (box_regions [(n, p)]) ->
  ceil_div (n - (p + s - 1)) s + 1 <= Z.of_nat (length masks).
Proof.
  intros n p s masks P S N A C.
  pose proof (product_minimal [((n, p), s)] masks ltac:(repeat constructor; simpl; lia) A C) as L.
  rewrite product_count in L. simpl in L. unfold sides_of in L. rewrite map_length in L.
  pose proof (proj2 (eq2_count n (p + s - 1) s ltac:(lia) S)). lia.
Qed.

(** The paper's 36 masks of 64×64 for a 2 % square are the fewest of their size. *)
Example thirty_six : forall masks, Forall (within [64; 64]) masks ->
  covers masks (box_regions [(224, 32); (224, 32)]) -> (36 <= length masks)%nat.
Proof.
  intros masks W C. apply (product_minimal [((224, 32), 33); ((224, 32), 33)] masks); try assumption.
  repeat constructor; simpl; lia.
Qed.

(** Eq. 3 is the best there is: no k masks of fewer cells, wherever they stand, cover the patches of an axis. *)
Theorem eq3_smallest : forall n p k m masks, 1 <= p <= n -> 1 <= k -> p <= m <= n ->
  Z.of_nat (length masks) <= k -> Forall (within [m]) masks -> covers masks (box_regions [(n, p)]) ->
  eq3_size n p k <= m.
Proof.
  intros n p k m masks P K M L A C.
  pose proof (axis_minimal n p (m - p + 1) masks ltac:(lia) ltac:(lia) ltac:(lia)) as B.
  replace (p + (m - p + 1) - 1) with m in B by lia. specialize (B A C).
  unfold eq3_size, eq3_stride. pose proof (ceil_div_spec (n - p + 1) k ltac:(lia)).
  pose proof (ceil_div_spec (n - m) (m - p + 1) ltac:(lia)). nia.
Qed.
