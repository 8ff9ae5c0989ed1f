(** How far the row theorem has a converse: what an attacker can do about a region that lies in no mask of G.

    All of this is about tables: an attack on a region changes at will, but for symmetry, the entries of pairs of which
    neither mask contains it. Whether some image brings a table about is another question; hence a region that is not on
    the map may well be safe. *)

From Coq Require Import List Bool Lia.
From Maskcover Require Import Tables DoubleMasking.
Import ListNotations.

Section Attack.
  Variable I : Type.

  (** The tables that an attack on a region can lead to, as far as the masks that contain the region tell. *)
  Definition attacked (contains : I -> bool) (T T' : I -> I -> label) : Prop :=
    (forall m m', T' m m' = T' m' m) /\ forall m m', contains m || contains m' = true -> T' m m' = T m m'.

  (** The row theorem once more, for all these tables. *)
  Theorem right_row_attacked contains T T' M y g majority order :
    attacked contains T T' -> any_order order ->
    In g M -> contains g = true -> right T M y g -> fst (double_masking T' majority order M) = Some y.
  Proof.
    intros [sym Hsame] Horder Hg Hc Hright. apply right_row with g; try assumption.
    intros m Hm. rewrite Hsame; [now apply Hright | now rewrite Hc].
  Qed.

  Lemma wrong_entry (T : I -> I -> label) M y d : ~ right T M y d -> exists m, In m M /\ T d m <> Some y.
  Proof.
    intros H. destruct (existsb (fun m => negb (same (T d m) (Some y))) M) eqn:E.
    - apply existsb_exists in E as (m & Hm & E). exists m. split; [assumption|].
      now apply same_false, negb_true_iff.
    - exfalso. apply H. intros m Hm. destruct (same (T d m) (Some y)) eqn:S; [now apply same_iff|].
      assert (C : existsb (fun m => negb (same (T d m) (Some y))) M = true).
      { apply existsb_exists. exists m. now rewrite S. }
      congruence.
  Qed.

  (** A converse: if only one mask contains the region and its row is not right, some table that agrees with the clean
      one on that row defeats Algorithm 1, whatever the tie rule and the order. *)
  Theorem only_mask (T : I -> I -> label) M y d contains :
    (forall m m', T m m' = T m' m) -> In d M -> (forall m, contains m = true <-> m = d) -> ~ right T M y d ->
    exists T', attacked contains T T' /\
      forall majority order, tie_rule majority -> any_order order ->
        fst (double_masking T' majority order M) <> Some y.
  Proof.
    intros sym Hd Hc Hwrong. destruct (wrong_entry T M y d Hwrong) as (w & Hw & Hz).
    set (z := T d w) in *.
    set (T' := fun m m' => if contains m || contains m' then T m m' else z).
    assert (Hcd : contains d = true) by now apply Hc.
    assert (Hother : forall m, m = d \/ T' m m = z).
    { intros m. unfold T'. destruct (contains m) eqn:E; [left; now apply Hc | now right]. }
    assert (Hdw : T' d w = z) by (unfold T'; now rewrite Hcd).
    exists T'. split.
    { split; intros m m'; unfold T'; [rewrite (orb_comm (contains m')), (sym m m'); reflexivity | now intros ->]. }
    intros majority order Htie Horder.
    pose proof (seen T' majority order M Horder) as H. cbv zeta in H.
    destruct (Htie (map (fun m => T' m m) M)) as [Htop _]; [now destruct M|].
    set (top := majority _) in *.
    destruct (double_masking T' majority order M) as [a [|e|]]; simpl.
    - destruct H as [-> H]. rewrite <- (H w Hw). destruct (Hother w) as [->|E]; [now rewrite Hdw | now rewrite E].
    - destruct H as (-> & He & _ & U). destruct (Hother e) as [->|E]; [now rewrite <- (U w Hw), Hdw | now rewrite E].
    - destruct H as [-> H]. intros E.
      assert (Hwd : w <> d).
      { intros ->. apply in_map_iff in Htop as (e & Ee & _). destruct (Hother e) as [->|D]; congruence. }
      destruct (Hother w) as [D|D]; [contradiction|].
      apply (H w Hw); rewrite D; [congruence|]. intros m _. unfold T'.
      destruct (contains w) eqn:Cw; [now apply Hc in Cw|].
      destruct (contains m) eqn:Cm; [|reflexivity]. apply Hc in Cm as ->. apply sym.
  Qed.
End Attack.

(** But no converse in general: three masks of which 0 and 1 contain the region. Neither has a right row, and yet no
    attack changes the answer: the two outvote mask 2, whose own second round they keep from being unanimous. *)
Definition outvoted (m m' : nat) : label :=
  match m, m' with
  | 0, 2 | 2, 0 => Some 1
  | 1, 2 | 2, 1 => Some 2
  | _, _ => Some 0
  end.

Definition first_two (m : nat) : bool := Nat.ltb m 2.

Theorem no_converse :
  (forall g, first_two g = true -> ~ right outvoted [0; 1; 2] 0 g) /\
  forall T' majority order, attacked nat first_two outvoted T' -> tie_rule majority -> any_order order ->
    fst (double_masking T' majority order [0; 1; 2]) = Some 0.
Proof.
  split.
  - intros [|[|g]] Hg H; [discriminate (H 2 ltac:(simpl; auto)) .. | discriminate].
  - intros T' majority order [_ Hsame] Htie Horder.
    assert (H0 : T' 0 0 = Some 0) by now apply Hsame.
    assert (H1 : T' 1 1 = Some 0) by now apply Hsame.
    assert (Htop : majority (map (fun m => T' m m) [0; 1; 2]) = Some 0).
    { destruct (Htie (map (fun m => T' m m) [0; 1; 2])) as [Hin Hmax]; [discriminate|].
      simpl map in *. rewrite H0, H1 in *.
      specialize (Hmax (Some 0)). destruct Hin as [<- | [<- | [E | []]]]; [reflexivity..|]. rewrite <- E in *.
      unfold count in Hmax. destruct (T' 2 2) as [[|k]|]; [reflexivity | exfalso..]; simpl in Hmax;
        rewrite ?PeanoNat.Nat.eqb_refl in Hmax; simpl in Hmax; lia. }
    pose proof (seen T' majority order [0; 1; 2] Horder) as H. cbv zeta in H. rewrite Htop in H.
    destruct (double_masking T' majority order [0; 1; 2]) as [a [|e|]]; simpl; try apply H.
    destruct H as (_ & [<- | [<- | [<- | []]]] & D & U); [now destruct D..|].
    assert (E : T' 2 0 = T' 2 1) by (transitivity (T' 2 2); [|symmetry]; apply U; simpl; auto).
    rewrite !Hsame in E by reflexivity. discriminate.
Qed.
