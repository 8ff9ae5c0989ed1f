(** First rounds that cost less (design, section 14): unions of pairs of masks, and levels of coarser masks. If their
    labels agree, that label is the answer; if not, Algorithm 1 or challenger masking follows. *)

From Coq Require Import List Bool ZArith Lia.
From Maskcover Require Import Cells Tables DoubleMasking RowTheorem Challenger.
Import ListNotations.
Local Open Scope nat_scope.

(** The label that all of some labels are; [None] if two differ, if there are none, or if one of them is "no label". *)
Definition agreed (labels : list label) : option nat :=
  match labels with
  | Some y :: rest => if forallb (same (Some y)) rest then Some y else None
  | _ => None
  end.

Lemma agreed_iff labels y : agreed labels = Some y <-> labels <> [] /\ forall a, In a labels -> a = Some y.
Proof.
  destruct labels as [|[z|] rest]; simpl.
  - split; [discriminate | now intros [[] _]].
  - destruct (forallb (same (Some z)) rest) eqn:E.
    + rewrite forallb_forall in E. split.
      * intros [= ->]. split; [discriminate|]. intros a [<-|Ha]; [reflexivity|].
        symmetry. now apply same_iff, E.
      * intros [_ H]. now apply H; left.
    + split; [discriminate|]. intros [_ H]. apply not_true_iff_false in E. destruct E. apply forallb_forall.
      intros a Ha. apply same_iff. rewrite (H a) by now right. now apply H; left.
  - split; [discriminate|]. intros [_ H]. now discriminate (H None (or_introl eq_refl)).
Qed.

(** What is agreed on is a label that somebody gave. *)
Lemma agreed_on labels y a : In a labels -> agreed labels = Some y -> a = Some y.
Proof. intros Ha H. apply agreed_iff in H as [_ H]. now apply H. Qed.

(** A round may end at the first two labels that differ: whatever the rest says, nothing is agreed on. *)
Theorem differing_settle labels a b : In a labels -> In b labels -> a <> b -> agreed labels = None.
Proof.
  intros Ha Hb H. destruct (agreed labels) as [y|] eqn:E; [|reflexivity]. destruct H.
  now rewrite (agreed_on _ y a Ha E), (agreed_on _ y b Hb E).
Qed.

(** And it may end at the first "no label". So "no label" is never agreed on, even where nobody gives one. *)
Theorem no_label_settles labels : In None labels -> agreed labels = None.
Proof.
  intros H. destruct (agreed labels) as [y|] eqn:E; [|reflexivity]. discriminate (agreed_on _ y None H E).
Qed.

(** How a procedure with a first round ends: early, with a label, or as what follows ends. *)
Inductive ended (A : Type) := Early (y : nat) | Later (answer : A).
Arguments Early {A}.
Arguments Later {A}.

Definition label_of {A} (fst_of : A -> label) (e : ended A) : label :=
  match e with Early y => Some y | Later answer => fst_of answer end.

Definition first {A} (early : option nat) (later : A) : ended A :=
  match early with Some y => Early y | None => Later later end.

(** If a first round can agree on [y] only, and what follows answers [y], the answer is [y]. *)
Lemma first_right {A} (fst_of : A -> label) early later y :
  (forall z, early = Some z -> z = y) -> fst_of later = Some y -> label_of fst_of (first early later) = Some y.
Proof. intros H Hlater. destruct early as [z|]; simpl; [now rewrite (H z) | assumption]. Qed.

Section Pairs.
  Variable I : Type. (* masks, or their numbers *)
  Variable T : I -> I -> label.

  (** A list of pairs of masks of [M] that together hold every mask. A mask may be in a pair with itself. *)
  Definition pairing (M : list I) (pairs : list (I * I)) : Prop :=
    (forall p, In p pairs -> In (fst p) M /\ In (snd p) M) /\
    (forall m, In m M -> exists p, In p pairs /\ (fst p = m \/ snd p = m)).

  (** The labels under the unions of the pairs: entries of the table. *)
  Definition pair_labels (pairs : list (I * I)) : list label := map (fun p => T (fst p) (snd p)) pairs.

  Definition pairs_double_masking majority order M pairs : ended (label * case I) :=
    first (agreed (pair_labels pairs)) (double_masking T majority order M).

  Definition pairs_challenger majority M pairs : ended (label * ending I * nat) :=
    first (agreed (pair_labels pairs)) (challenger I T majority M).

  (** Neighbours in the list, an odd mask by itself. *)
  Fixpoint pair_up (M : list I) : list (I * I) :=
    match M with
    | a :: b :: rest => (a, b) :: pair_up rest
    | [a] => [(a, a)]
    | [] => []
    end.

  (** From here on some mask [g] has a right row, and is in one of the pairs. *)
  Section RightRow.
    Variables (M : list I) (pairs : list (I * I)) (y : nat) (g : I).
    Hypothesis T_symmetric : forall m m', T m m' = T m' m.
    Hypothesis pairs_all : pairing M pairs.
    Hypothesis g_in : In g M.
    Hypothesis g_right : right T M y g.

    (** The pair of [g] says [y]: its label is an entry of the row of [g]. *)
    Lemma pair_right : In (Some y) (pair_labels pairs).
    Proof.
      destruct pairs_all as [Some_of_M All]. destruct (All g g_in) as ([a b] & Hp & H).
      destruct (Some_of_M _ Hp) as [Ha Hb]. simpl in *. apply in_map_iff. exists (a, b). split; [|assumption]. simpl.
      destruct H as [-> | ->]; [now apply g_right|]. rewrite T_symmetric. now apply g_right.
    Qed.

    (** All pairs cannot say one thing other than [y] ... *)
    Theorem pairs_agree_on a : (forall b, In b (pair_labels pairs) -> b = a) -> a = Some y.
    Proof. intros H. symmetry. apply H, pair_right. Qed.

    (** ... and so cannot all be without a label. A program that takes such an agreement for an answer, and one that
        goes on, differ only where there is no [g]. *)
    Corollary pairs_give_a_label : ~ forall b, In b (pair_labels pairs) -> b = None.
    Proof. intros H. discriminate (pairs_agree_on None H). Qed.

    Theorem pairs_agreed_right z : agreed (pair_labels pairs) = Some z -> z = y.
    Proof. intros H. apply (agreed_on _ _ (Some y)) in H; [congruence | apply pair_right]. Qed.

    (** The row theorem with a first round by pairs, on tables. *)
    Theorem pairs_right majority order :
      any_order order -> label_of fst (pairs_double_masking majority order M pairs) = Some y.
    Proof.
      intros. apply first_right; [exact pairs_agreed_right|]. now apply (right_row T M y g).
    Qed.

    Theorem pairs_challenger_right majority :
      label_of (fun a => fst (fst a)) (pairs_challenger majority M pairs) = Some y.
    Proof. apply first_right; [exact pairs_agreed_right|]. now apply (challenger_right I T M y g). Qed.
  End RightRow.

  (** Two masks at a time, for inductions. *)
  Lemma by_twos (P : list I -> Prop) :
    P [] -> (forall a, P [a]) -> (forall a b rest, P rest -> P (a :: b :: rest)) -> forall M, P M.
  Proof.
    intros H0 H1 H2 M. enough (P M /\ forall a, P (a :: M)) by tauto.
    induction M as [|b M [IH IH']]; auto.
  Qed.

  (** There is a pairing for every list of masks, of half as many pairs, rounded up. *)
  Theorem pair_up_pairing M : pairing M (pair_up M).
  Proof.
    induction M as [| a | a b rest [IH IH']] using by_twos; simpl.
    - split; intros ? [].
    - split; [intros p [<-|[]]; simpl; auto|]. intros m [<-|[]]. exists (a, a). simpl. tauto.
    - split.
      + intros p [<-|Hp]; simpl; [auto|]. apply IH in Hp. tauto.
      + intros m [<-|[<-|Hm]]; [exists (a, b); simpl; tauto .. |].
        apply IH' in Hm as (p & Hp & H). exists p. split; [now right | assumption].
  Qed.

  Theorem pair_up_count M : 2 * length (pair_up M) = length M \/ 2 * length (pair_up M) = S (length M).
  Proof. induction M as [| a | a b rest IH] using by_twos; simpl in *; lia. Qed.
End Pairs.

Arguments pairing {I}.
Arguments pair_up {I}.
Arguments pair_labels {I}.
Arguments pairs_double_masking {I}.
Arguments pairs_challenger {I}.

(** A mask that is in no pair breaks it: the row of mask 0 is right for label 0, and the answer is 1. *)
Theorem mask_left_out :
  exists (T : nat -> nat -> label) (M : list nat) (pairs : list (nat * nat)),
    (forall m m', T m m' = T m' m) /\ In 0 M /\ right T M 0 0 /\ (forall p, In p pairs -> In (fst p) M /\ In (snd p) M)
    /\ label_of fst (pairs_double_masking T lowest_label (fun m => m) M pairs) = Some 1.
Proof.
  exists (fun m m' => if Nat.eqb m 0 || Nat.eqb m' 0 then Some 0 else Some 1), [0; 1; 2], [(1, 2)].
  repeat split.
  - intros m m'. now rewrite orb_comm.
  - now left.
  - destruct H as [<-|[]]. simpl. auto.
  - destruct H as [<-|[]]. simpl. auto.
Qed.

(** The label of the first level whose labels agree. A level is the list of its labels. *)
Fixpoint levels_agreed (levels : list (list label)) : option nat :=
  match levels with
  | [] => None
  | labels :: finer => match agreed labels with Some y => Some y | None => levels_agreed finer end
  end.

(** If every level has a mask that says [y], no level agrees on another label ... *)
Theorem levels_agreed_right levels y z :
  (forall labels, In labels levels -> In (Some y) labels) -> levels_agreed levels = Some z -> z = y.
Proof.
  induction levels as [|labels finer IH]; simpl; [discriminate|]. intros H.
  destruct (agreed labels) as [a|] eqn:E.
  - intros [= <-]. apply (agreed_on _ _ (Some y)) in E; [congruence | apply H; now left].
  - apply IH. auto.
Qed.

(** ... nor is a level without any label. *)
Theorem levels_give_a_label (levels : list (list label)) y labels :
  (forall some, In some levels -> In (Some y) some) -> In labels levels -> ~ forall a, In a labels -> a = None.
Proof. intros H Hl All. discriminate (All (Some y) (H labels Hl)). Qed.

(** Whether masks cover some listed regions, as a program. A region is the list of its cells. *)
Definition insideb (cs : list cell) (m : mask) : bool := forallb (hidesb m) cs.

Definition region_of (cs : list cell) : cells := fun c => In c cs.

Definition one_of (regions : list (list cell)) : region_set :=
  fun r => exists cs, In cs regions /\ forall c, r c <-> In c cs.

Definition in_some (masks : list mask) (cs : list cell) : bool := existsb (insideb cs) masks.

Definition coversb (masks : list mask) (regions : list (list cell)) : bool := forallb (in_some masks) regions.

Lemma insideb_iff cs m : insideb cs m = true <-> inside (region_of cs) (hides m).
Proof. unfold insideb, inside, region_of. rewrite forallb_forall. now setoid_rewrite hidesb_iff. Qed.

Lemma in_some_iff masks cs : in_some masks cs = true <-> exists m, In m masks /\ inside (region_of cs) (hides m).
Proof. unfold in_some. rewrite existsb_exists. now setoid_rewrite insideb_iff. Qed.

Theorem coversb_iff masks regions : coversb masks regions = true <-> covers masks (one_of regions).
Proof.
  unfold coversb. rewrite forallb_forall. setoid_rewrite in_some_iff. split.
  - intros H r (cs & Hcs & E). destruct (H cs Hcs) as (m & Hm & Hin). exists m. split; [assumption|].
    intros c Hc. now apply Hin, E.
  - intros H cs Hcs. apply H. exists cs. split; [assumption|]. reflexivity.
Qed.

Section Images.
  Variable pixel : Type.
  Variable fill : image pixel.
  Variable F : image pixel -> label.
  Hypothesis F_pixels : respects_pixels F.

  (** Algorithm 1 and challenger masking with a first round by pairs, on the table of the image that is served. *)
  Definition pairs_defended majority order M pairs x : ended (label * case mask) :=
    pairs_double_masking (table fill F x) majority order M pairs.

  Definition pairs_challenged majority M pairs x : ended (label * ending mask * nat) :=
    pairs_challenger (table fill F x) majority M pairs.

  Lemma row_after M x x' y g r :
    right (table fill F x) M y g -> inside r (hides g) -> differ_inside r x x' -> right (table fill F x') M y g.
  Proof. intros Hright Hr Hx m Hm. rewrite (table_row fill F F_pixels r x) by assumption. now apply Hright. Qed.

  (** Pairs (design, section 14): every region of the map of the row theorem is as safe with a first round by pairs. *)
  Theorem pairs_mapped_safe M pairs x y r majority order x' :
    pairing M pairs -> any_order order -> mapped pixel fill F M x y r -> differ_inside r x x' ->
    label_of fst (pairs_defended majority order M pairs x') = Some y.
  Proof.
    intros Hpairs Horder (g & Hg & Hr) Hx. apply good_iff in Hg as [Hg Hright].
    apply (pairs_right _ _ M pairs y g); try assumption.
    - apply (table_symmetric fill F F_pixels).
    - now apply row_after with x r.
  Qed.

  Theorem pairs_challenger_mapped_safe M pairs x y r majority x' :
    pairing M pairs -> mapped pixel fill F M x y r -> differ_inside r x x' ->
    label_of (fun a => fst (fst a)) (pairs_challenged majority M pairs x') = Some y.
  Proof.
    intros Hpairs (g & Hg & Hr) Hx. apply good_iff in Hg as [Hg Hright].
    apply (pairs_challenger_right _ _ M pairs y g); try assumption.
    - apply (table_symmetric fill F F_pixels).
    - now apply row_after with x r.
  Qed.

  (** No agreement on "no label" on an attacked image, where the map has the region. *)
  Theorem pairs_mapped_label M pairs x y r x' :
    pairing M pairs -> mapped pixel fill F M x y r -> differ_inside r x x' ->
    ~ forall a, In a (pair_labels (table fill F x') pairs) -> a = None.
  Proof.
    intros Hpairs (g & Hg & Hr) Hx. apply good_iff in Hg as [Hg Hright].
    apply (pairs_give_a_label _ _ M pairs y g); try assumption.
    - apply (table_symmetric fill F F_pixels).
    - now apply row_after with x r.
  Qed.

  (** The certificate is that of the row theorem, as it stands: G covers R. *)
  Theorem pairs_certificate M pairs x y R r majority order x' :
    pairing M pairs -> any_order order -> covers (G pixel fill F M x y) R -> R r -> differ_inside r x x' ->
    label_of fst (pairs_defended majority order M pairs x') = Some y.
  Proof. intros Hpairs Horder H Hr. apply pairs_mapped_safe; auto. now apply H. Qed.

  Theorem pairs_challenger_certificate M pairs x y R r majority x' :
    pairing M pairs -> covers (G pixel fill F M x y) R -> R r -> differ_inside r x x' ->
    label_of (fun a => fst (fst a)) (pairs_challenged majority M pairs x') = Some y.
  Proof. intros Hpairs H Hr. apply pairs_challenger_mapped_safe; auto. now apply H. Qed.

  (** Levels: sets of masks from coarse to fine, and then whatever procedure. *)
  Definition level_labels (x : image pixel) (level : list mask) : list label :=
    map (fun m => F (hide fill [m] x)) level.

  Definition levels_first {A} (levels : list (list mask)) (later : image pixel -> A) (x : image pixel) : ended A :=
    first (levels_agreed (map (level_labels x) levels)) (later x).

  Definition levels_defended majority order levels M : image pixel -> ended (label * case mask) :=
    levels_first levels (defended pixel fill F majority order M).

  Definition levels_challenged majority levels M : image pixel -> ended (label * ending mask * nat) :=
    levels_first levels (challenged pixel fill F majority M).

  (** The masks of a level whose label on the clean image is [y]. *)
  Definition level_right (x : image pixel) (y : nat) (level : list mask) : list mask :=
    filter (fun m => same (F (hide fill [m] x)) (Some y)) level.

  (** The region lies inside such a mask, at every level. *)
  Definition levels_mapped (levels : list (list mask)) x y (r : cells) : Prop :=
    forall level, In level levels -> exists m0, In m0 (level_right x y level) /\ inside r (hides m0).

  (** On an attacked image every level still has a mask that says [y]. *)
  Lemma level_after levels x x' y r labels :
    levels_mapped levels x y r -> differ_inside r x x' ->
    In labels (map (level_labels x') levels) -> In (Some y) labels.
  Proof.
    intros H Hx Hl. apply in_map_iff in Hl as (level & <- & Hl). destruct (H level Hl) as (m0 & Hm & Hr).
    apply filter_In in Hm as [Hm E]. apply same_iff in E. apply in_map_iff. exists m0. split; [|assumption].
    rewrite <- E. symmetry. apply F_pixels, (hide_alike _ _ r x x' m0); [assumption..|now left].
  Qed.

  (** Levels (design, section 14), before whatever procedure: where that answers [y], so does it after levels. *)
  Theorem levels_before {A} (fst_of : A -> label) levels (later : image pixel -> A) x y r x' :
    levels_mapped levels x y r -> differ_inside r x x' -> fst_of (later x') = Some y ->
    label_of fst_of (levels_first levels later x') = Some y.
  Proof.
    intros H Hx. apply first_right. intros z. apply levels_agreed_right. intros labels. now apply level_after with x r.
  Qed.

  (** No level of an attacked image is without any label. *)
  Theorem levels_mapped_label levels x y r x' level :
    levels_mapped levels x y r -> differ_inside r x x' -> In level levels ->
    ~ forall a, In a (level_labels x' level) -> a = None.
  Proof.
    intros H Hx Hl. apply levels_give_a_label with (map (level_labels x') levels) y; [|now apply in_map].
    intros some. now apply level_after with x r.
  Qed.

  Theorem levels_mapped_safe M levels x y r majority order x' :
    any_order order -> mapped pixel fill F M x y r -> levels_mapped levels x y r -> differ_inside r x x' ->
    label_of fst (levels_defended majority order levels M x') = Some y.
  Proof.
    intros Horder Hr Hlevels Hx. apply levels_before with x r; [assumption..|].
    now apply (mapped_safe pixel fill F F_pixels M x y r Hr).
  Qed.

  Theorem levels_challenger_mapped_safe M levels x y r majority x' :
    mapped pixel fill F M x y r -> levels_mapped levels x y r -> differ_inside r x x' ->
    label_of (fun a => fst (fst a)) (levels_challenged majority levels M x') = Some y.
  Proof.
    intros Hr Hlevels Hx.
    apply (levels_before (fun a : label * ending mask * nat => fst (fst a))) with x r; [assumption..|].
    now apply (challenger_mapped_safe pixel fill F F_pixels M x y r).
  Qed.

  (** Its condition on the levels: those of their masks that are right on the clean image cover R. *)
  Definition levels_cover levels x y (R : region_set) : Prop :=
    forall level, In level levels -> covers (level_right x y level) R.

  Lemma levels_cover_mapped levels x y R r : levels_cover levels x y R -> R r -> levels_mapped levels x y r.
  Proof. intros H Hr level Hl. now apply H. Qed.

  (** The certificate: G covers R, and so do the right masks of each level. *)
  Theorem levels_certificate M levels x y R r majority order x' :
    any_order order -> covers (G pixel fill F M x y) R -> levels_cover levels x y R -> R r -> differ_inside r x x' ->
    label_of fst (levels_defended majority order levels M x') = Some y.
  Proof.
    intros Horder HG Hlevels Hr. apply levels_mapped_safe; [assumption | now apply HG |].
    now apply levels_cover_mapped with R.
  Qed.

  Theorem levels_challenger_certificate M levels x y R r majority x' :
    covers (G pixel fill F M x y) R -> levels_cover levels x y R -> R r -> differ_inside r x x' ->
    label_of (fun a => fst (fst a)) (levels_challenged majority levels M x') = Some y.
  Proof.
    intros HG Hlevels Hr. apply levels_challenger_mapped_safe; [now apply HG |].
    now apply levels_cover_mapped with R.
  Qed.

  (** Certificate and map as programs, for listed regions. *)
  Definition levels_certified M levels x y (regions : list (list cell)) : bool :=
    coversb (G pixel fill F M x y) regions && forallb (fun level => coversb (level_right x y level) regions) levels.

  Definition levels_mappedb M levels x y (cs : list cell) : bool :=
    in_some (G pixel fill F M x y) cs && forallb (fun level => in_some (level_right x y level) cs) levels.

  Theorem levels_certified_iff M levels x y regions :
    levels_certified M levels x y regions = true <->
    covers (G pixel fill F M x y) (one_of regions) /\ levels_cover levels x y (one_of regions).
  Proof.
    unfold levels_certified, levels_cover. rewrite andb_true_iff, forallb_forall, coversb_iff.
    now setoid_rewrite coversb_iff.
  Qed.

  Theorem levels_mappedb_iff M levels x y cs :
    levels_mappedb M levels x y cs = true <->
    mapped pixel fill F M x y (region_of cs) /\ levels_mapped levels x y (region_of cs).
  Proof.
    unfold levels_mappedb, levels_mapped, mapped. rewrite andb_true_iff, forallb_forall, in_some_iff.
    now setoid_rewrite in_some_iff.
  Qed.

  (** The image is certified exactly if all of its regions are on the map. *)
  Theorem levels_certified_map M levels x y regions :
    levels_certified M levels x y regions = true <->
    forall cs, In cs regions -> levels_mappedb M levels x y cs = true.
  Proof.
    unfold levels_certified, levels_mappedb, coversb. rewrite andb_true_iff, !forallb_forall.
    setoid_rewrite andb_true_iff. setoid_rewrite forallb_forall. firstorder.
  Qed.

  (** First levels, then pairs, then Algorithm 1: the certificate of levels. *)
  Theorem levels_pairs_certificate M pairs levels x y R r majority order x' :
    pairing M pairs -> any_order order -> covers (G pixel fill F M x y) R -> levels_cover levels x y R -> R r ->
    differ_inside r x x' ->
    label_of (label_of fst) (levels_first levels (pairs_defended majority order M pairs) x') = Some y.
  Proof.
    intros Hpairs Horder HG Hlevels Hr Hx. apply levels_before with x r; [|assumption|].
    - now apply levels_cover_mapped with R.
    - now apply pairs_certificate with x R r.
  Qed.
End Images.

(** The condition on the levels is needed. Two pixels, and a classifier that looks at the second. The only mask hides
    the first, and its row is right for label 0. A coarser mask hides both, says 1, and 1 is the answer, without any
    attack. *)
Theorem level_condition_needed :
  exists (pixel : Type) (fill x : image pixel) (F : image pixel -> label) (M level : list mask) (R : region_set),
    respects_pixels F /\ (exists r, R r) /\ covers (G pixel fill F M x 0) R /\ covers level R
    /\ label_of fst (levels_defended pixel fill F lowest_label (fun m => m) [level] M x) = Some 1.
Proof.
  exists bool, (fun _ => false), (fun _ => true), (fun z : image bool => if z [1%Z] then Some 0 else Some 1).
  exists [[[(0%Z, 1%Z)]]], [[[(0%Z, 2%Z)]]], (fun r => forall c, r c <-> c = [0%Z]).
  repeat split.
  - intros z z' H. now rewrite (H [1%Z]).
  - now exists (fun c => c = [0%Z]).
  - intros r Hr. exists [[(0%Z, 1%Z)]]. split; [now left|].
    intros c Hc. apply Hr in Hc as ->. now apply hidesb_iff.
  - intros r Hr. exists [[(0%Z, 2%Z)]]. split; [now left|].
    intros c Hc. apply Hr in Hc as ->. now apply hidesb_iff.
Qed.
