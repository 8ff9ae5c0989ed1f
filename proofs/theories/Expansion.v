(** From a claim to stencils with places, such that every region of the claim lies inside one of them. *)

From Coq Require Import ZArith List Lia Bool.
From Maskcover Require Import Cells Certificate Boxes.
Import ListNotations.
Open Scope Z_scope.

(** A shape, and where it may lie. *)
Definition stencil := (list box * list box)%type.

(** For each patch what it may be. *)
Definition term := list (list stencil).

Definition is_piece (p : cells) (slot : list stencil) : Prop :=
  exists s u, In s slot /\ Exists (in_box u) (snd s) /\ p = moved (hides (fst s)) u.

(** A region lies inside pieces, one of each slot. *)
Definition realized (t : term) (r : cells) : Prop :=
  exists pieces, Forall2 is_piece pieces t /\ forall c, r c -> Exists (fun p => p c) pieces.

Definition avoids (r : cells) (barriers : list box) : Prop := forall c, r c -> ~ Exists (in_box c) barriers.

Fixpoint room (sides : list Z) (shape : list box) : box :=
  match shape with
  | [] => []
  | [b] => room_of sides b
  | b :: rest => meet (room_of sides b) (room sides rest)
  end.

Definition barred (n : nat) (barriers shape : list box) : list box :=
  flat_map (fun a => if valid n a then map (blocked a) shape else []) barriers.

Definition place (sides : list Z) (barriers shape : list box) : stencil :=
  (shape, left (room sides shape) (barred (length sides) barriers shape)).

(** A shape of boxes that have cells; the first axis of an image has number 0. *)
Definition good_shape (n : nat) (s : list box) : bool := negb (is_nil s) && forallb (valid n) s.

Lemma valid_spec : forall n b, valid n b = true ->
  length b = n /\ forallb (fun side => fst side <? snd side) b = true.
Proof.
  unfold valid. intros n b H. apply andb_true_iff in H. destruct H as [H1 H2].
  apply Nat.eqb_eq in H1. split; assumption.
Qed.

Lemma room_spec : forall sides s u,
  length u = length sides -> good_shape (length sides) s = true ->
  inside (moved (hides s) u) (image_of sides) -> in_box u (room sides s).
Proof.
  intros sides s u Hu H Hin. unfold good_shape in H. apply andb_true_iff in H. destruct H as [Hne Hv].
  assert (R : forall b, In b s -> in_box u (room_of sides b)).
  { intros b Hb. rewrite forallb_forall in Hv. apply Hv in Hb as Hvb. apply valid_spec in Hvb. destruct Hvb as [Hl Hc].
    destruct (corners b Hc) as [C1 C2].
    apply room_of_spec; try assumption; apply Hin.
    - exists (low b). split; [| reflexivity]. apply Exists_exists. exists b. split; assumption.
    - exists (high b). split; [| reflexivity]. apply Exists_exists. exists b. split; assumption. }
  clear Hv Hin. induction s as [| b s IH]; [discriminate |].
  destruct s as [| b' s].
  - apply R. left. reflexivity.
  - change (room sides (b :: b' :: s)) with (meet (room_of sides b) (room sides (b' :: s))).
    apply meet_spec; [apply R; left; reflexivity |].
    apply IH; [reflexivity |]. intros x Hx. apply R. right. exact Hx.
Qed.

Lemma place_spec : forall sides barriers s u,
  length u = length sides -> good_shape (length sides) s = true ->
  inside (moved (hides s) u) (image_of sides) -> avoids (moved (hides s) u) barriers ->
  Exists (in_box u) (snd (place sides barriers s)).
Proof.
  intros sides barriers s u Hu Hs Hin Hav. simpl.
  destruct (left_spec _ (barred (length sides) barriers s) u (room_spec _ _ _ Hu Hs Hin)) as [E | E]; [| exact E].
  exfalso. apply Exists_exists in E. destruct E as [q [Hq Hc]].
  unfold barred in Hq. apply in_flat_map in Hq. destruct Hq as [a [Ha Hq]].
  destruct (valid (length sides) a) eqn:Va; [| inversion Hq].
  apply in_map_iff in Hq. destruct Hq as [b [Hq Hb]]. subst q.
  unfold good_shape in Hs. apply andb_true_iff in Hs. destruct Hs as [_ Hv].
  rewrite forallb_forall in Hv. apply Hv in Hb as Vb.
  apply valid_spec in Va. apply valid_spec in Vb. destruct Va as [La Ca]. destruct Vb as [Lb Cb].
  destruct (blocked_spec a b u) as [d [Hd Hp]]; try assumption; [lia |].
  apply (Hav (plus u d)).
  - exists d. split; [| reflexivity]. apply Exists_exists. exists b. split; assumption.
  - apply Exists_exists. exists a. split; assumption.
Qed.

(** Shapes at their places, if there are any. *)
Definition stencils (sides : list Z) (barriers : list box) (shapes : list (list box)) : list stencil :=
  filter (fun s => negb (is_nil (snd s))) (map (place sides barriers) shapes).

Lemma in_stencils : forall sides barriers shapes s u,
  In s shapes -> Exists (in_box u) (snd (place sides barriers s)) ->
  In (place sides barriers s) (stencils sides barriers shapes).
Proof.
  intros sides barriers shapes s u Hs Hu. unfold stencils. apply filter_In. split.
  - apply in_map. exact Hs.
  - destruct (snd (place sides barriers s)); [inversion Hu | reflexivity].
Qed.

Definition one (slot : list stencil) : list term := [[slot]].

Lemma realized_one : forall slot s u r,
  In s slot -> Exists (in_box u) (snd s) -> inside r (moved (hides (fst s)) u) ->
  exists t, In t (one slot) /\ realized t r.
Proof.
  intros slot s u r Hs Hu Hr. exists [slot]. split; [left; reflexivity |].
  exists [moved (hides (fst s)) u]. split.
  - constructor; [| constructor]. exists s, u. repeat split; assumption.
  - intros c Hc. constructor. apply Hr. exact Hc.
Qed.

Lemma placed_spec : forall sides barriers s r shapes,
  In s shapes -> good_shape (length sides) s = true -> placed sides s r -> avoids r barriers ->
  exists t, In t (one (stencils sides barriers shapes)) /\ realized t r.
Proof.
  intros sides barriers s r shapes Hs Hg [u [Hu [Hr Hin]]] Hav.
  assert (E : Exists (in_box u) (snd (place sides barriers s))).
  { apply place_spec; try assumption.
    - intros c Hc. apply Hin. apply Hr. exact Hc.
    - intros c Hc. apply Hav. apply Hr. exact Hc. }
  apply realized_one with (s := place sides barriers s) (u := u); try assumption.
  - apply in_stencils with u; assumption.
  - intros c Hc. apply Hr in Hc. exact Hc.
Qed.

(** All extents from a least one on, with at most so many cells, that fit on the sides. *)
Fixpoint fitting (least : Z) (sides : list Z) (limit : Z) : list (list Z) :=
  match sides with
  | [] => [[]]
  | s :: rest => flat_map (fun a => map (cons a) (fitting least rest (limit / a))) (range least (Z.min s limit))
  end.

(** The same, but only the longest on the last axis. *)
Fixpoint longest (least : Z) (sides : list Z) (limit : Z) : list (list Z) :=
  match sides with
  | [] => [[]]
  | [s] => if least <=? Z.min s limit then [[Z.min s limit]] else []
  | s :: rest => flat_map (fun a => map (cons a) (longest least rest (limit / a))) (range least (Z.min s limit))
  end.

Lemma in_range : forall a b x, a <= x <= b -> In x (range a b).
Proof.
  intros a b x H. unfold range. apply in_map_iff. exists (Z.to_nat (x - a)). split.
  - rewrite Z2Nat.id; lia.
  - apply in_seq. split; [lia |]. simpl. apply Z2Nat.inj_lt; lia.
Qed.

Lemma product_pos : forall e, Forall (fun x => 1 <= x) e -> 1 <= product e.
Proof. induction 1; simpl; [lia | nia]. Qed.

Lemma fitting_spec : forall least sides e limit, 1 <= least ->
  Forall (fun x => least <= x) e -> Forall2 Z.le e sides -> product e <= limit -> In e (fitting least sides limit).
Proof.
  intros least sides e limit Hl He Hs. revert limit. induction Hs as [| a s e sides Ha Hs IH]; intros limit H.
  - left. reflexivity.
  - inversion He; subst. simpl in H.
    assert (P : 1 <= product e).
    { apply product_pos. eapply Forall_impl; [| eassumption]. simpl. intros. lia. }
    simpl. apply in_flat_map. exists a. split.
    + apply in_range. nia.
    + apply in_map. apply IH; [assumption |]. apply Z.div_le_lower_bound; lia.
Qed.

Lemma longest_spec : forall least sides e limit, 1 <= least ->
  Forall (fun x => least <= x) e -> Forall2 Z.le e sides -> product e <= limit ->
  exists e', In e' (longest least sides limit) /\ Forall2 Z.le e e' /\ Forall2 Z.le e' sides.
Proof.
  intros least sides e limit Hl He Hs. revert limit. induction Hs as [| a s e sides Ha Hs IH]; intros limit H.
  - exists []. split; [left; reflexivity | split; constructor].
  - inversion He; subst. simpl in H.
    assert (P : 1 <= product e).
    { apply product_pos. eapply Forall_impl; [| eassumption]. simpl. intros. lia. }
    destruct sides as [| s' sides].
    + inversion Hs; subst. simpl in *. exists [Z.min s limit].
      destruct (Z.leb_spec least (Z.min s limit)); [| lia].
      split; [left; reflexivity |]. split; constructor; try constructor; lia.
    + assert (D : product e <= limit / a) by (apply Z.div_le_lower_bound; lia).
      destruct (IH ltac:(assumption) _ D) as [e' [Hin [Hle Hfit]]].
      exists (a :: e'). split.
      * change (longest least (s :: s' :: sides) limit) with
          (flat_map (fun a => map (cons a) (longest least (s' :: sides) (limit / a))) (range least (Z.min s limit))).
        apply in_flat_map. exists a. split; [apply in_range; nia | apply in_map; exact Hin].
      * split; constructor; try assumption. lia.
Qed.

Lemma room_of_cube : forall e sides u,
  length e = length sides -> in_box u (room_of sides (cube e)) -> Forall2 Z.le e sides.
Proof.
  induction e as [| a e IH]; intros [| s sides] u Hn Hu; try discriminate; [constructor |].
  simpl in Hu. inversion Hu as [| x ? u' ? Hx Hu']; subst. simpl in Hx.
  constructor; [lia |]. apply IH with u'; [simpl in Hn; lia | exact Hu'].
Qed.

Lemma enlarge : forall e e' sides u,
  Forall2 Z.le e e' -> Forall2 Z.le e' sides -> in_box u (room_of sides (cube e)) ->
  exists v, in_box v (room_of sides (cube e'))
    /\ forall d, in_box d (cube e) -> exists d', in_box d' (cube e') /\ plus u d = plus v d'.
Proof.
  intros e e' sides u H. revert sides u. induction H as [| a a' e e' Ha H IH]; intros sides u Hs Hu.
  - inversion Hs; subst. simpl in Hu. inversion Hu; subst. exists []. split; [constructor |].
    intros d Hd. inversion Hd; subst. exists []. split; [constructor | reflexivity].
  - inversion Hs as [| ? s ? sides' Hs1 Hs2]; subst.
    inversion Hu as [| x ? u' ? Hx Hu']; subst. simpl in Hx.
    destruct (IH _ _ Hs2 Hu') as [v [Hv Hd]].
    exists (Z.min x (s - a') :: v). split.
    + constructor; [simpl; lia | exact Hv].
    + intros d D. inversion D as [| y ? d' ? Hy Hd']; subst. simpl in Hy.
      destruct (Hd d' Hd') as [f [Hf Heq]].
      exists (x + y - Z.min x (s - a') :: f). split.
      * constructor; [simpl; lia | exact Hf].
      * unfold plus in *. simpl. f_equal; [lia | exact Heq].
Qed.

Definition slenderb (aspect : option (Z * Z)) (e : list Z) : bool :=
  match aspect with
  | None => true
  | Some (p, q) => forallb (fun x => forallb (fun y => x * q <=? p * y) e) e
  end.

Lemma slenderb_spec : forall aspect e, slender aspect e -> slenderb aspect e = true.
Proof.
  intros [[p q] |] e H; [| reflexivity]. simpl in *.
  apply forallb_forall. intros x Hx. apply forallb_forall. intros y Hy. apply Z.leb_le. apply H; assumption.
Qed.

(** The extents of rectangles to look at. Beside a barrier a short one may fit where a long one does not. *)
Definition extents_of (sides : list Z) (barriers : list box) (limit least : Z) (aspect : option (Z * Z)) : list (list Z) :=
  match barriers, aspect with
  | [], None => longest least sides limit
  | _, _ => filter (slenderb aspect) (fitting least sides limit)
  end.

(** Terms of one patch each are those of one slot. *)
Definition merged (ts : list term) : list term :=
  if forallb (fun t => Nat.eqb (length t) 1) ts then one (concat (map (fun t => concat t) ts)) else ts.

(** What an area leaves of the image; boxes that could touch the area are left out. *)
Definition outside (sides : list Z) (area : list box) : list box :=
  filter (fun b => negb (existsb (meets b) area)) (left (cube sides) area).

Fixpoint expand (sides : list Z) (barriers : list box) (c : claim) : list term :=
  match c with
  | Squares s => one (stencils sides barriers [[cube (all_equal s sides)]])
  | SquaresOf a =>
      match square_side sides a with
      | Some s => one (stencils sides barriers [[cube (all_equal s sides)]])
      | None => []
      end
  | Rectangle e => one (stencils sides barriers [[cube e]])
  | Rectangles a least aspect =>
      let extents := extents_of sides barriers (amount_in sides a) least aspect in
      one (stencils sides barriers (map (fun e => [cube e]) extents))
  | Bitmap s => one (stencils sides barriers [s])
  | Union a b => expand sides barriers a ++ expand sides barriers b
  | Both a b =>
      let right := merged (expand sides barriers b) in
      flat_map (fun t => map (app t) right) (merged (expand sides barriers a))
  | Avoiding a area => expand sides (barriers ++ area) a
  | Within a area => expand sides (barriers ++ outside sides area) a
  end.

(** Claims that can be expanded on an image: shapes of the same dimension, with cells. *)
Fixpoint expandable (sides : list Z) (c : claim) : bool :=
  match c with
  | Squares s => 1 <=? s
  | SquaresOf _ => true
  | Rectangle e => good_shape (length sides) [cube e]
  | Rectangles _ least _ => 1 <=? least
  | Bitmap s => good_shape (length sides) s
  | Union a b | Both a b => expandable sides a && expandable sides b
  | Avoiding a _ | Within a _ => expandable sides a
  end.

Lemma good_cube : forall n e, length e = n -> Forall (fun x => 1 <= x) e -> good_shape n [cube e] = true.
Proof.
  intros n e Hn He. unfold good_shape, valid. simpl. unfold cube. rewrite map_length, Hn, Nat.eqb_refl. simpl.
  rewrite andb_true_r. clear Hn. induction He; [reflexivity |]. simpl. rewrite IHHe.
  destruct (Z.ltb_spec 0 x); [reflexivity | lia].
Qed.

Lemma good_square : forall sides s, 1 <= s -> good_shape (length sides) [cube (all_equal s sides)] = true.
Proof.
  intros sides s H. apply good_cube.
  - unfold all_equal. apply map_length.
  - unfold all_equal. apply Forall_forall. intros x Hx. apply in_map_iff in Hx. destruct Hx as [_ [<- _]]. exact H.
Qed.

Lemma square_side_pos : forall sides a s, square_side sides a = Some s -> 1 <= s.
Proof.
  unfold square_side. intros sides a s H. apply find_some in H. destruct H as [H _].
  unfold range in H. apply in_map_iff in H. destruct H as [k [<- _]]. lia.
Qed.

Lemma rectangles_spec : forall sides barriers a least aspect r,
  1 <= least -> regions sides (Rectangles a least aspect) r -> avoids r barriers ->
  exists t, In t (expand sides barriers (Rectangles a least aspect)) /\ realized t r.
Proof.
  intros sides barriers a least aspect r Hl [e [Hn [He [Hp [Hasp H]]]]] Hav.
  assert (He1 : Forall (fun x => 1 <= x) e) by (eapply Forall_impl; [| exact He]; simpl; intros; lia).
  assert (G : good_shape (length sides) [cube e] = true) by (apply good_cube; assumption).
  assert (F : Forall2 Z.le e sides).
  { destruct H as [u [Hu [Hr Hin]]]. apply room_of_cube with u; [exact Hn |].
    apply (room_spec sides [cube e]); try assumption. intros c Hc. apply Hin. apply Hr. exact Hc. }
  assert (General : forall ext, ext = filter (slenderb aspect) (fitting least sides (amount_in sides a)) ->
    exists t, In t (one (stencils sides barriers (map (fun e => [cube e]) ext))) /\ realized t r).
  { intros ext ->. apply placed_spec with (s := [cube e]); try assumption.
    apply in_map_iff. exists e. split; [reflexivity |]. apply filter_In. split.
    - apply fitting_spec; assumption.
    - apply slenderb_spec. exact Hasp. }
  simpl. unfold extents_of. destruct barriers as [| b barriers]; [destruct aspect as [pq |] |];
    try (apply General; reflexivity).
  destruct (longest_spec least sides e _ Hl He F Hp) as [e' [Hin' [Hle Hfit]]].
  destruct H as [u [Hu [Hr Hin]]].
  assert (Ru : in_box u (room_of sides (cube e))).
  { apply (room_spec sides [cube e]); try assumption. intros c Hc. apply Hin. apply Hr. exact Hc. }
  destruct (enlarge e e' sides u Hle Hfit Ru) as [v [Hv Hd]].
  assert (E : Exists (in_box v) (snd (place sides [] [cube e']))).
  { simpl. constructor. exact Hv. }
  apply realized_one with (s := place sides [] [cube e']) (u := v).
  - apply in_stencils with v; [| exact E]. apply in_map_iff. exists e'. split; [reflexivity | exact Hin'].
  - exact E.
  - intros c Hc. apply Hr in Hc. destruct Hc as [d [Hd1 ->]].
    inversion Hd1 as [? ? Hd2 |? ? Hd2]; subst; [| inversion Hd2].
    destruct (Hd d Hd2) as [d' [Hd3 ->]]. exists d'. split; [constructor; exact Hd3 | reflexivity].
Qed.

Lemma merged_spec : forall ts t r, In t ts -> realized t r -> exists t', In t' (merged ts) /\ realized t' r.
Proof.
  intros ts t r Ht Hr. unfold merged.
  destruct (forallb (fun t => Nat.eqb (length t) 1) ts) eqn:E; [| exists t; split; assumption].
  rewrite forallb_forall in E. apply E in Ht as Hl. apply Nat.eqb_eq in Hl.
  destruct t as [| slot [| ? ?]]; try discriminate.
  exists [concat (map (fun t => concat t) ts)]. split; [left; reflexivity |].
  destruct Hr as [pieces [Hp Hc]]. exists pieces. split; [| exact Hc].
  inversion Hp as [| p ? ps ? H1 H2]; subst. inversion H2; subst.
  constructor; [| constructor]. destruct H1 as [s [u [Hs [Hu ->]]]]. exists s, u. split; [| split; [exact Hu | reflexivity]].
  apply in_concat. exists (concat [slot]). split.
  - apply in_map_iff. exists [slot]. split; [reflexivity | exact Ht].
  - simpl. rewrite app_nil_r. exact Hs.
Qed.

Lemma realized_app : forall t t' r s s', realized t s -> realized t' s' -> (forall c, r c <-> s c \/ s' c) ->
  realized (t ++ t') r.
Proof.
  intros t t' r s s' [p [Hp Hs]] [p' [Hp' Hs']] H. exists (p ++ p'). split.
  - apply Forall2_app; assumption.
  - intros c Hc. apply Exists_app. apply H in Hc. destruct Hc; [left; apply Hs | right; apply Hs']; assumption.
Qed.

Lemma outside_spec : forall sides area c, hides area c -> ~ Exists (in_box c) (outside sides area).
Proof.
  intros sides area c Ha Ho. apply Exists_exists in Ho. destruct Ho as [b [Hb Hc]].
  unfold outside in Hb. apply filter_In in Hb. destruct Hb as [_ Hb]. apply negb_true_iff in Hb.
  apply Exists_exists in Ha. destruct Ha as [a [Ha Hca]].
  apply (meets_spec b a c); [| exact Hc | exact Hca].
  destruct (meets b a) eqn:E; [| reflexivity].
  assert (existsb (meets b) area = true) by (apply existsb_exists; exists a; split; assumption). congruence.
Qed.

(** Every region of a claim that keeps off the barriers lies inside stencils of one of the terms. *)
Theorem expand_sound : forall sides c barriers r,
  expandable sides c = true -> regions sides c r -> avoids r barriers ->
  exists t, In t (expand sides barriers c) /\ realized t r.
Proof.
  intros sides c. induction c as [s | a | e | a least aspect | s | a IHa b IHb | a IHa b IHb | a IHa area | a IHa area];
    intros barriers r Hx Hr Hav.
  - apply placed_spec with (s := [cube (all_equal s sides)]); try assumption; [left; reflexivity |].
    apply good_square. apply Z.leb_le. exact Hx.
  - destruct Hr as [s [Hs Hr]]. simpl. rewrite Hs.
    apply placed_spec with (s := [cube (all_equal s sides)]); try assumption; [left; reflexivity |].
    apply good_square. apply (square_side_pos _ _ _ Hs).
  - apply placed_spec with (s := [cube e]); try assumption. left. reflexivity.
  - apply rectangles_spec; try assumption. apply Z.leb_le. exact Hx.
  - apply placed_spec with (s := s); try assumption. left. reflexivity.
  - simpl in Hx. apply andb_true_iff in Hx. destruct Hx as [Ha Hb]. simpl. destruct Hr as [Hr | Hr].
    + destruct (IHa barriers r Ha Hr Hav) as [t [Ht H]]. exists t. split; [apply in_or_app; left |]; assumption.
    + destruct (IHb barriers r Hb Hr Hav) as [t [Ht H]]. exists t. split; [apply in_or_app; right |]; assumption.
  - simpl in Hx. apply andb_true_iff in Hx. destruct Hx as [Ha Hb].
    destruct Hr as [s [t [Hs [Ht Hc]]]].
    destruct (IHa barriers s Ha Hs) as [ta [Hta Ra]]; [intros c H; apply Hav; apply Hc; left; exact H |].
    destruct (IHb barriers t Hb Ht) as [tb [Htb Rb]]; [intros c H; apply Hav; apply Hc; right; exact H |].
    destruct (merged_spec _ _ _ Hta Ra) as [ma [Hma Rma]]. destruct (merged_spec _ _ _ Htb Rb) as [mb [Hmb Rmb]].
    exists (ma ++ mb). split.
    + simpl. apply in_flat_map. exists ma. split; [exact Hma | apply in_map; exact Hmb].
    + apply realized_app with s t; assumption.
  - destruct Hr as [Hr Ho]. apply (IHa (barriers ++ area) r Hx Hr).
    intros c Hc E. apply Exists_app in E. destruct E as [E | E]; [apply (Hav c Hc E) | apply (Ho c Hc E)].
  - destruct Hr as [Hr Hi]. apply (IHa (barriers ++ outside sides area) r Hx Hr).
    intros c Hc E. apply Exists_app in E. destruct E as [E | E]; [apply (Hav c Hc E) |].
    apply (outside_spec sides area c); [apply Hi; exact Hc | exact E].
Qed.
