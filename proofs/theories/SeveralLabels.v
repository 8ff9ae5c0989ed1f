(** Several labels at once: one binary table a class, all attacked through one and the same region. *)

From Coq Require Import List Bool Arith ZArith Lia.
From Maskcover Require Import Cells Tables DoubleMasking RowTheorem.
Import ListNotations.
Local Open Scope nat_scope.

(** How many of some classes have a property. *)
Definition count (p : nat -> bool) (classes : list nat) : nat := length (filter p classes).

Lemma count_le (p q : nat -> bool) classes :
  (forall c, In c classes -> p c = true -> q c = true) -> count p classes <= count q classes.
Proof.
  unfold count. induction classes as [|c rest IH]; simpl; intros H; [lia|].
  assert (count p rest <= count q rest) as Hrest by (apply IH; intros; apply H; auto).
  unfold count in Hrest. destruct (p c) eqn:Hp; destruct (q c) eqn:Hq; simpl; try lia.
  rewrite H in Hq by auto. discriminate.
Qed.

Section SeveralLabels.
  Variable pixel : Type.
  Variable fill : image pixel.
  Variable F : nat -> image pixel -> label. (* for each class: present (1), absent (0), or no label *)
  Hypothesis F_pixels : forall c, respects_pixels (F c).
  Variable M : list mask.
  Variable x : image pixel.
  Variable truth : nat -> nat. (* for each class 1 or 0 *)
  Variable classes : list nat.

  (** The answer for a class, by its own table. *)
  Definition answer majority order (x' : image pixel) c : label :=
    fst (defended pixel fill (F c) majority order M x').

  Definition wrong majority order x' c : bool := negb (same (answer majority order x' c) (Some (truth c))).

  (** Some certifying mask of the class contains the region. *)
  Definition kept (r : cells) c : Prop := mapped pixel fill (F c) M x (truth c) r.

  (** A test that marks at least the classes of which no certifying mask contains the region. *)
  Definition marks (threatened : nat -> bool) (r : cells) : Prop :=
    forall c, In c classes -> threatened c = false -> kept r c.

  Section Attack.
    Variables (r : cells) (x' : image pixel) (majority : list label -> label) (order : list mask -> list mask).
    Hypothesis attack : differ_inside r x x'.
    Hypothesis order_any : any_order order.

    (** Only threatened classes are answered wrongly. *)
    Theorem wrong_is_threatened threatened c :
      marks threatened r -> In c classes -> wrong majority order x' c = true -> threatened c = true.
    Proof.
      intros Hmarks Hc Hwrong. destruct (threatened c) eqn:E; [reflexivity|].
      assert (answer majority order x' c = Some (truth c)) as Hright.
      { unfold answer. apply (mapped_safe pixel fill (F c) (F_pixels c) M x (truth c) r); auto. now apply Hmarks. }
      unfold wrong in Hwrong. rewrite Hright, same_refl in Hwrong. discriminate.
    Qed.

    (** The joint bound: of any kind of classes, such as those that are present in truth, an attack inside [r] makes no
        more wrong than [r] threatens. For present classes these are false negatives, for absent ones false positives. *)
    Theorem joint_bound threatened (kind : nat -> bool) :
      marks threatened r ->
      count (fun c => kind c && wrong majority order x' c) classes <= count (fun c => kind c && threatened c) classes.
    Proof.
      intros Hmarks. apply count_le. intros c Hc H. apply andb_true_iff in H as [Hkind Hwrong].
      rewrite Hkind. simpl. now apply wrong_is_threatened.
    Qed.
  End Attack.

  (** The joint bound is never worse than that class by class: a region of [R] threatens no class that is certified. *)
  Theorem joint_never_worse (R : region_set) r threatened (certified kind : nat -> bool) :
    R r ->
    (forall c, certified c = true -> covers (G pixel fill (F c) M x (truth c)) R) ->
    (forall c, In c classes -> threatened c = true -> ~ kept r c) ->
    count (fun c => kind c && threatened c) classes <= count (fun c => kind c && negb (certified c)) classes.
  Proof.
    intros Hr Hcertified Hthreatened. apply count_le. intros c Hc H. apply andb_true_iff in H as [Hkind Ht].
    rewrite Hkind. simpl. destruct (certified c) eqn:E; [|reflexivity].
    destruct (Hthreatened c Hc Ht). exact (Hcertified c E r Hr).
  Qed.

  (** Only minimal sets of masks that contain a region matter: a region inside more masks threatens fewer classes. *)
  Theorem fewer_masks_threaten_more r r' c :
    (forall g, In g M -> inside r (hides g) -> inside r' (hides g)) -> kept r c -> kept r' c.
  Proof.
    intros H (g & Hg & Hin). exists g. split; [assumption|]. apply H; [|assumption].
    unfold G in Hg. now apply good_iff in Hg.
  Qed.
End SeveralLabels.

(** Figures over many images: the attacker picks one pair (a, b) for each, and the figure is (sum of a) / (sum of b). *)
Section Ratios.
  Local Open Scope Z_scope.

  Definition sum (values : list Z) : Z := fold_right Z.add 0 values.

  (** If the least values of [q a - p b], one for each image, have a sum of at least 0, no choice has a ratio below
      [p / q]: this is where the search for the worst choice ends. *)
  Theorem least_ratio (p q : Z) (options : list (list (Z * Z))) (lows : list Z) (picked : list (Z * Z)) :
    Forall2 (fun low pairs => forall a b, In (a, b) pairs -> low <= q * a - p * b) lows options ->
    Forall2 (fun pair pairs => In pair pairs) picked options ->
    0 <= sum lows -> p * sum (map snd picked) <= q * sum (map fst picked).
  Proof.
    intros Hlows Hpicked Hsum.
    enough (sum lows <= q * sum (map fst picked) - p * sum (map snd picked)) by lia.
    clear Hsum. revert picked Hpicked. induction Hlows as [|low pairs lows options Hlow _ IH]; intros picked Hpicked.
    - inversion Hpicked. simpl. lia.
    - inversion Hpicked as [|pair ? rest ? Hin Hrest]; subst. destruct pair as [a b]. simpl.
      specialize (IH rest Hrest). specialize (Hlow a b Hin). unfold sum in *. lia.
  Qed.

  (** Figures class by class are such a choice of larger losses: more lost is never a better precision. *)
  Theorem larger_losses a b c d : 0 <= c <= a -> 0 <= b <= d -> c * (a + b) <= a * (c + d).
  Proof. nia. Qed.
End Ratios.
