(** Challenger masking (paper, appendix C): games between masks of different labels, in any order and in that of the
    library. The certificates of Algorithm 1 hold for it, and its second round is linear. *)

From Coq Require Import List Bool Lia Permutation.
From Maskcover Require Import Cells Tables DoubleMasking RowTheorem.
Import ListNotations.

Section Games.
  Variable I : Type.
  Variable T : I -> I -> label.

  (** After a game of two masks those are left whose label it was. *)
  Definition left_of (c d : I) : list I := filter (fun m => same (T m m) (T c d)) [c; d].

  (** [plays alive n left]: [n] games, each of two masks of different labels, leave [left] of [alive]. Whoever is to
      meet next is open, for permutations are free. *)
  Inductive plays : list I -> nat -> list I -> Prop :=
  | ends alive alive' : Permutation alive alive' -> plays alive 0 alive'
  | game alive c d rest n left :
      Permutation alive (c :: d :: rest) -> T c c <> T d d -> plays (left_of c d ++ rest) n left ->
      plays alive (S n) left.

  (** A game is lost by one of the two at least. *)
  Lemma left_of_short c d : T c c <> T d d -> length (left_of c d) <= 1.
  Proof.
    unfold left_of. simpl. intros H.
    destruct (same (T c c) (T c d)) eqn:E; destruct (same (T d d) (T c d)) eqn:E'; simpl; auto.
    apply same_iff in E, E'. congruence.
  Qed.

  (** The second round is linear (appendix C): every game costs a mask, and the last one needs two. *)
  Theorem games_linear M n left : plays M n left -> n <= length M - 1.
  Proof.
    induction 1 as [? ? P | ? c d rest n left P H _ IH]; [lia|].
    rewrite (Permutation_length P). pose proof (left_of_short c d H). rewrite app_length in IH. simpl. lia.
  Qed.

  (** A mask with a right row never loses a game. *)
  Lemma right_stays M y g alive n left :
    (forall m m', T m m' = T m' m) -> right T M y g ->
    plays alive n left -> incl alive M -> In g alive -> In g left.
  Proof.
    intros sym Hg. induction 1 as [? ? P | alive c d rest n left P _ _ IH]; intros HM Hin.
    - now apply (Permutation_in _ P).
    - assert (HM' : incl (c :: d :: rest) M).
      { intros m Hm. apply HM. now apply (Permutation_in _ (Permutation_sym P)). }
      assert (In c M /\ In d M) as [Hc Hd] by (split; apply HM'; simpl; auto).
      apply (Permutation_in _ P) in Hin. apply IH.
      + intros m Hm. apply HM'.
        apply in_app_iff in Hm as [Hm|Hm]; [apply filter_In in Hm as [Hm _]|]; simpl in *; tauto.
      + apply in_app_iff. destruct Hin as [-> | [-> | Hin]]; [left | left | now right]; apply filter_In.
        * split; [now left|]. rewrite !Hg by assumption. apply same_refl.
        * split; [right; now left|]. rewrite (sym c g), !Hg by assumption. apply same_refl.
  Qed.

  (** The games are over when the masks left have one label. *)
  Definition one_label (left : list I) : Prop := forall c d, In c left -> In d left -> T c c = T d d.

  (** The row theorem for games in whatever order: some mask is left, and the label of all those left is right. *)
  Theorem games_right M y g n left :
    (forall m m', T m m' = T m' m) -> In g M -> right T M y g -> plays M n left -> one_label left ->
    In g left /\ forall m, In m left -> T m m = Some y.
  Proof.
    intros sym HgM Hg Hp Hone.
    assert (Hin : In g left) by (eapply right_stays; eauto using incl_refl).
    split; [assumption|]. intros m Hm. rewrite (Hone m g) by assumption. now apply Hg.
  Qed.

  (** The order of the library: a new mask meets the champions, all of one label, the one of longest standing first. *)
  Fixpoint meet (champions : list I) (m : I) : list I * nat :=
    match champions with
    | [] => ([m], 0)
    | c :: rest =>
        if same (T c c) (T m m) then (champions ++ [m], 0)
        else if same (T m m) (T c m) then let (left, n) := meet rest m in (left, S n)
        else (if same (T c c) (T c m) then champions else rest, 1)
    end.

  Fixpoint run (champions masks : list I) : list I * nat :=
    match masks with
    | [] => (champions, 0)
    | m :: masks => let (left, n) := meet champions m in let (left', n') := run left masks in (left', n + n')
    end.

  (** How it ends, in the names of the library. *)
  Inductive ending := AllAgree | Champion (c : I) | NobodyLeft.

  (** Challenger masking: the label, how it was found, and the number of evaluations of the second round. *)
  Definition challenger (majority : list label -> label) (M : list I) : label * ending * nat :=
    let labels := map (fun m => T m m) M in
    if forallb (fun m => same (T m m) (hd None labels)) M then (hd None labels, AllAgree, 0)
    else match run [] M with
         | (c :: _, n) => (T c c, Champion c, n)
         | ([], n) => (majority labels, NobodyLeft, n)
         end.

  Lemma plays_perm alive alive' n left : Permutation alive alive' -> plays alive' n left -> plays alive n left.
  Proof.
    intros P H. revert alive P. destruct H as [? ? Q | ? c d rest n' ? Q ? ?]; intros a P.
    { now apply ends, (Permutation_trans P). }
    apply game with c d rest; try assumption. now apply (Permutation_trans P).
  Qed.

  (** Some games among a few masks, then others with more. *)
  Lemma plays_then alive n left : plays alive n left ->
    forall more n' left', plays (left ++ more) n' left' -> plays (alive ++ more) (n + n') left'.
  Proof.
    induction 1 as [? ? P | ? c d rest n left P ? _ IH]; intros more n' left' H'; simpl.
    - eapply plays_perm; [|eassumption]. now apply Permutation_app_tail.
    - apply game with c d (rest ++ more); [|assumption|].
      + exact (Permutation_app_tail more P).
      + rewrite app_assoc. now apply IH.
  Qed.

  Lemma meet_plays m champions : forall left n, meet champions m = (left, n) -> plays (champions ++ [m]) n left.
  Proof.
    induction champions as [|c rest IH]; simpl; intros left n.
    - intros [= <- <-]. now apply ends.
    - destruct (same (T c c) (T m m)) eqn:E; [intros [= <- <-]; now apply ends|].
      apply same_false in E.
      assert (P : Permutation (c :: rest ++ [m]) (c :: m :: rest)).
      { constructor. symmetry. apply Permutation_cons_append. }
      destruct (same (T m m) (T c m)) eqn:Em.
      + destruct (meet rest m) as [l k]. intros [= <- <-]. apply game with c m rest; [assumption..|].
        unfold left_of. simpl. apply same_iff in Em as Em'. rewrite Em, <- Em', (proj2 (same_false _ _) E). simpl.
        eapply plays_perm; [apply Permutation_cons_append | exact (IH _ _ eq_refl)].
      + intros [= <- <-]. apply game with c m rest; [assumption..|]. unfold left_of. simpl. rewrite Em.
        destruct (same (T c c) (T c m)); now apply ends.
  Qed.

  Lemma run_plays masks : forall champions left n,
    run champions masks = (left, n) -> plays (champions ++ masks) n left.
  Proof.
    induction masks as [|m masks IH]; simpl; intros champions left n.
    - intros [= <- <-]. rewrite app_nil_r. now apply ends.
    - destruct (meet champions m) as [l k] eqn:E. destruct (run l masks) as [l' k'] eqn:E'. intros [= <- <-].
      change (m :: masks) with ([m] ++ masks). rewrite app_assoc.
      eapply plays_then; [apply meet_plays, E | apply IH, E'].
  Qed.

  Lemma meet_one_label m champions : one_label champions -> one_label (fst (meet champions m)).
  Proof.
    induction champions as [|c rest IH]; simpl; intros H.
    - intros a b [<-|[]] [<-|[]]. reflexivity.
    - assert (Hrest : one_label rest) by (intros a b ? ?; apply H; now right).
      destruct (same (T c c) (T m m)) eqn:E; simpl.
      + apply same_iff in E.
        assert (Hc : forall a, In a (c :: rest ++ [m]) -> T a a = T c c).
        { intros a [<-|Ha]; [reflexivity|]. apply in_app_iff in Ha as [Ha|[<-|[]]]; [|now symmetry].
          apply H; [now right | now left]. }
        intros a b Ha Hb. now rewrite (Hc a), (Hc b).
      + destruct (same (T m m) (T c m)).
        * destruct (meet rest m). now apply IH.
        * simpl. now destruct (same (T c c) (T c m)).
  Qed.

  Lemma run_one_label masks : forall champions, one_label champions -> one_label (fst (run champions masks)).
  Proof.
    induction masks as [|m masks IH]; simpl; intros champions H; [assumption|].
    apply (meet_one_label m) in H. destruct (meet champions m) as [l k].
    specialize (IH l H). now destruct (run l masks).
  Qed.

  (** The count of the program: at most |M| − 1 evaluations in the second round. *)
  Theorem challenger_linear majority M : snd (challenger majority M) <= length M - 1.
  Proof.
    unfold challenger. destruct (forallb _ M); [simpl; lia|].
    destruct (run [] M) as [left n] eqn:E. apply run_plays, games_linear in E. now destruct left.
  Qed.

  (** A right row settles the label of challenger masking too. *)
  Theorem challenger_right M y g majority :
    (forall m m', T m m' = T m' m) -> In g M -> right T M y g -> fst (fst (challenger majority M)) = Some y.
  Proof.
    intros sym HgM Hg. unfold challenger. destruct (forallb _ M) eqn:E; simpl.
    - rewrite forallb_forall in E. specialize (E g HgM). apply same_iff in E. rewrite <- E. now apply Hg.
    - assert (Hone : one_label (fst (run [] M))) by (apply run_one_label; intros a b []).
      destruct (run [] M) as [left n] eqn:R. apply run_plays in R. simpl in *.
      destruct (games_right M y g n left sym HgM Hg R Hone) as [Hin Hall].
      destruct left as [|c rest]; [destruct Hin|]. apply Hall. now left.
  Qed.
End Games.

(** For images: the row certificate of Algorithm 1, G covers, serves challenger masking as it stands. *)
Section Images.
  Variable pixel : Type.
  Variable fill : image pixel.
  Variable F : image pixel -> label.
  Hypothesis F_pixels : respects_pixels F.

  Definition challenged majority M x : label * ending mask * nat := challenger mask (table fill F x) majority M.

  (** Every region of the map is safe. *)
  Theorem challenger_mapped_safe M x y r majority x' :
    mapped pixel fill F M x y r -> differ_inside r x x' -> fst (fst (challenged majority M x')) = Some y.
  Proof.
    intros (g & Hg & Hr) Hx. apply good_iff in Hg as [Hg Hright].
    apply (challenger_right _ _ M y g); try assumption.
    - apply (table_symmetric fill F F_pixels).
    - intros m Hm. rewrite (table_row fill F F_pixels r x) by assumption. now apply Hright.
  Qed.

  Theorem challenger_certificate M x y R r majority x' :
    covers (G pixel fill F M x y) R -> R r -> differ_inside r x x' ->
    fst (fst (challenged majority M x')) = Some y.
  Proof. intros H Hr. apply challenger_mapped_safe. now apply H. Qed.
End Images.
