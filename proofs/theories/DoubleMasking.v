(** Algorithm 1 of the paper as a program over a prediction table, and the row theorem for tables.

    Images come in [RowTheorem]. *)

From Coq Require Import List Bool Lia Permutation.
From Maskcover Require Import Tables.
Import ListNotations.

(** How Algorithm 1 comes to its label: the three cases of the paper. *)
Inductive case (I : Type) := Agreed | Disagreer (d : I) | Majority.
Arguments Agreed {I}.
Arguments Disagreer {I}.
Arguments Majority {I}.

(** The most frequent label is a parameter, for ties may be broken in any way. *)
Definition count (y : label) (labels : list label) : nat := length (filter (same y) labels).

Definition tie_rule (majority : list label -> label) : Prop :=
  forall labels, labels <> [] ->
    In (majority labels) labels /\ forall y, count y labels <= count (majority labels) labels.

(** The order in which the disagreers have their second round is a parameter too. *)
Definition any_order {I} (order : list I -> list I) : Prop := forall masks d, In d (order masks) <-> In d masks.

Lemma permutation_any_order {I} (order : list I -> list I) :
  (forall masks, Permutation (order masks) masks) -> any_order order.
Proof. intros H masks d. split; apply Permutation_in; [|symmetry]; apply H. Qed.

Section Table.
  Variable I : Type. (* masks, or their numbers *)
  Variable T : I -> I -> label. (* F(x; m, m'), and F(x; m) on the diagonal *)

  Definition disagrees (y : label) (m : I) : bool := negb (same (T m m) y).

  (** All of the second round of [d] says what [d] says. *)
  Definition unanimous (M : list I) (d : I) : bool := forallb (fun m => same (T d m) (T d d)) M.

  (** Algorithm 1 (section 3.2). *)
  Definition double_masking (majority : list label -> label) (order : list I -> list I) (M : list I) : label * case I :=
    let y := majority (map (fun m => T m m) M) in
    match filter (disagrees y) M with
    | [] => (y, Agreed)
    | disagreers =>
        match find (unanimous M) (order disagreers) with
        | Some d => (T d d, Disagreer d)
        | None => (y, Majority)
        end
    end.

  (** A row of the table that says [y] throughout; the set G of the design has the masks of such rows. *)
  Definition right (M : list I) (y : nat) (g : I) : Prop := forall m, In m M -> T g m = Some y.

  Definition rightb (M : list I) (y : nat) (g : I) : bool := forallb (fun m => same (T g m) (Some y)) M.

  Definition good (M : list I) (y : nat) : list I := filter (rightb M y) M.

  Lemma rightb_iff M y g : rightb M y g = true <-> right M y g.
  Proof. unfold rightb, right. rewrite forallb_forall. now setoid_rewrite same_iff. Qed.

  Lemma good_iff M y g : In g (good M y) <-> In g M /\ right M y g.
  Proof. unfold good. now rewrite filter_In, rightb_iff. Qed.

  Lemma disagrees_iff y m : disagrees y m = true <-> T m m <> y.
  Proof. unfold disagrees. now rewrite negb_true_iff, same_false. Qed.

  Lemma unanimous_iff M d : unanimous M d = true <-> forall m, In m M -> T d m = T d d.
  Proof. unfold unanimous. rewrite forallb_forall. now setoid_rewrite same_iff. Qed.

  (** What Algorithm 1 has seen in each of its three cases. *)
  Lemma seen majority order M :
    any_order order ->
    let top := majority (map (fun m => T m m) M) in
    match double_masking majority order M with
    | (y, Agreed) => y = top /\ forall m, In m M -> T m m = top
    | (y, Disagreer d) => y = T d d /\ In d M /\ T d d <> top /\ forall m, In m M -> T d m = T d d
    | (y, Majority) => y = top /\ forall d, In d M -> T d d <> top -> ~ forall m, In m M -> T d m = T d d
    end.
  Proof.
    intros Horder top. unfold double_masking. fold top.
    assert (Hdis : forall d, In d (filter (disagrees top) M) <-> In d M /\ T d d <> top).
    { intros d. now rewrite filter_In, disagrees_iff. }
    destruct (filter (disagrees top) M) as [|d rest].
    - split; [reflexivity|]. intros m Hm. destruct (same (T m m) top) eqn:E; [now apply same_iff|].
      apply same_false in E. now destruct (proj2 (Hdis m)).
    - destruct (find _ _) as [f|] eqn:E; (split; [reflexivity|]).
      + apply find_some in E as [Hf U]. rewrite unanimous_iff in U. now apply Horder, Hdis in Hf as [].
      + intros e He D U. apply unanimous_iff in U.
        rewrite (find_none _ _ E e) in U; [discriminate|]. now apply Horder, Hdis.
  Qed.

  (** From here on some mask [g] has a right row. Nothing is asked of the tie rule, and [g] need not be known. *)
  Section RightRow.
    Variables (M : list I) (y : nat) (g : I) (majority : list label -> label) (order : list I -> list I).
    Hypothesis T_symmetric : forall m m', T m m' = T m' m.
    Hypothesis g_in : In g M.
    Hypothesis g_right : right M y g.
    Hypothesis order_any : any_order order.

    Let answer := double_masking majority order M.

    (** Lemma 1: no wrong label in case I, since the agreed label is that of [g]. *)
    Lemma agreed_right : snd answer = Agreed -> fst answer = Some y.
    Proof.
      pose proof (seen majority order M order_any) as H. fold answer in H.
      destruct answer as [z []]; try discriminate. intros _. destruct H as [-> H]. simpl.
      now rewrite <- (H g g_in), g_right.
    Qed.

    (** Lemma 2: no wrong label in case II, since the second round of any disagreer meets [g]. *)
    Lemma disagreer_right d : snd answer = Disagreer d -> fst answer = Some y.
    Proof.
      pose proof (seen majority order M order_any) as H. fold answer in H.
      destruct answer as [z []]; try discriminate. intros _. destruct H as (-> & Hd & _ & U). simpl.
      rewrite <- (U g g_in), T_symmetric. now apply g_right.
    Qed.

    (** Lemma 3: no wrong label in case III, since [g] would have been a disagreer with a unanimous second round. *)
    Lemma majority_right : snd answer = Majority -> fst answer = Some y.
    Proof.
      pose proof (seen majority order M order_any) as H. fold answer in H.
      destruct answer as [z []]; try discriminate. intros _. destruct H as [-> H]. simpl.
      destruct (same (majority (map (fun m => T m m) M)) (Some y)) eqn:E; [now apply same_iff|].
      apply same_false in E. exfalso. apply (H g g_in); rewrite (g_right g g_in).
      - now apply not_eq_sym.
      - intros m Hm. now rewrite g_right.
    Qed.

    (** The row theorem of the design, section 7, on tables: a right row settles the label. *)
    Theorem right_row : fst answer = Some y.
    Proof.
      destruct (snd answer) as [|d|] eqn:E.
      - now apply agreed_right.
      - now apply disagreer_right with d.
      - now apply majority_right.
    Qed.
  End RightRow.

  (** With a right row neither the tie rule nor the order of the disagreers matters. *)
  Corollary right_row_unique M y g majority majority' order order' :
    (forall m m', T m m' = T m' m) -> In g M -> right M y g -> any_order order -> any_order order' ->
    fst (double_masking majority order M) = fst (double_masking majority' order' M).
  Proof. intros. now rewrite (right_row M y g), (right_row M y g). Qed.
End Table.

Arguments right {I}.
Arguments rightb {I}.
Arguments good {I}.
Arguments good_iff {I}.
Arguments double_masking {I}.
Arguments seen {I}.
Arguments right_row {I}.

(** The tie rule of the library (design, section 3): of the most frequent labels the lowest, no label last. *)
Definition before (a b : label) : bool :=
  match a, b with
  | Some i, Some j => Nat.ltb i j
  | Some _, None => true
  | None, _ => false
  end.

Definition better (labels : list label) (a b : label) : label :=
  let na := count a labels in
  let nb := count b labels in
  if (Nat.ltb nb na || Nat.eqb na nb && before a b)%bool then a else b.

Definition lowest_label (labels : list label) : label :=
  fold_right (better labels) (hd None labels) labels.

(** It is a tie rule: what it returns is one of the labels, and none is more frequent. *)
Lemma lowest_label_tie_rule : tie_rule lowest_label.
Proof.
  intros [|l0 rest]; [congruence|]. intros _. unfold lowest_label. simpl hd.
  set (all := l0 :: rest).
  assert (H : forall some, incl some all ->
    In (fold_right (better all) l0 some) all /\
    forall y, In y some -> count y all <= count (fold_right (better all) l0 some) all).
  { induction some as [|a some IH]; intros Hs; simpl.
    - split; [now left | tauto].
    - destruct IH as [H1 H2]; [firstorder|]. set (b := fold_right _ _ _) in *.
      assert (Hab : In (better all a b) all).
      { unfold better. destruct (_ || _)%bool; [apply Hs; now left | assumption]. }
      assert (Ha : count a all <= count (better all a b) all /\ count b all <= count (better all a b) all).
      { unfold better. destruct (PeanoNat.Nat.ltb_spec (count b all) (count a all)); simpl; [lia|].
        destruct (PeanoNat.Nat.eqb_spec (count a all) (count b all)); simpl; [destruct (before a b)|]; lia. }
      split; [assumption|]. intros y [<-|Hy]; [lia|]. specialize (H2 y Hy). lia. }
  destruct (H all (incl_refl _)) as [H1 H2]. split; [assumption|]. intros y.
  destruct (existsb (same y) all) eqn:E.
  - apply existsb_exists in E as (z & Hz & E). apply same_iff in E as <-. now apply H2.
  - replace (count y all) with 0; [lia|]. unfold count. clear - E.
    induction all as [|a all IH]; [reflexivity|]. simpl in *. apply orb_false_iff in E as [-> E]. now apply IH.
Qed.
