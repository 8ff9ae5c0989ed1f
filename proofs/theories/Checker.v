(** The checker of certificates, and the proof that what it accepts is a cover by Definition 1. *)

From Coq Require Export ZArith NArith List Bool.
From Coq Require Import Lia.
From Maskcover Require Export Cells Certificate.
From Maskcover Require Import Boxes Expansion.
Export ListNotations.
Open Scope Z_scope.

(** * Stencils: every tile inside all masks of its signature, every place in a tile *)

(** The item of this number; the numbers of files are binary, and may be very large where a file is spoilt. *)
Fixpoint item {A} (l : list A) (number : N) : option A :=
  match l with
  | [] => None
  | x :: rest => if (number =? 0)%N then Some x else item rest (N.pred number)
  end.

(** The masks of a number in a tile: a signature, or a mask where no signatures are listed. *)
Definition signature (e : evidence) (number : N) : option (list N) :=
  match signatures e with
  | None => Some [number]
  | Some listed => item listed number
  end.

Definition in_mask (ms : list mask) (s : list box) (t : box) (number : N) : bool :=
  match item ms number with
  | Some m => forallb (fun b => covered (swept t b) m) s
  | None => false
  end.

Definition good_tile (ms : list mask) (e : evidence) (s : list box) (t : box * N) : bool :=
  match signature e (snd t) with
  | Some numbers => forallb (in_mask ms s (fst t)) numbers
  | None => false
  end.

Definition good_stencil (ms : list mask) (e : evidence) (s : tiled) : bool :=
  forallb (good_tile ms e (shape s)) (tiles s)
  && forallb (fun p => covered p (map fst (tiles s))) (places s).

(** * Patches: any signatures in use, one for each patch, have a mask in common *)

(** A set of masks as the bits of a number. *)
Definition bits (numbers : list N) : N := fold_right (fun i a => N.setbit a i) 0%N numbers.

Definition within (a b : N) : bool := (N.land a b =? a)%N.

(** Sets without those that contain another one. *)
Fixpoint minimal (kept sets : list N) : list N :=
  match sets with
  | [] => kept
  | s :: rest =>
      if existsb (fun k => within k s) kept then minimal kept rest
      else minimal (s :: filter (fun k => negb (within s k)) kept) rest
  end.

Fixpoint shared (all : N) (slots : list (list N)) : list N :=
  match slots with
  | [] => [all]
  | s :: rest => let others := minimal [] (shared all rest) in flat_map (fun a => map (N.land a) others) s
  end.

(** The sets of masks that the tiles of a slot name. *)
Definition used (e : evidence) (slot : list tiled) : list N :=
  map (fun number => match signature e number with Some l => bits l | None => 0%N end)
    (nodup N.eq_dec (flat_map (fun s => map snd (tiles s)) slot)).

Definition good_evidence (ms : list mask) (e : evidence) (chosen : list (list tiled)) : bool :=
  forallb (forallb (good_stencil ms e)) (slots e)
  && forallb (fun a => negb (a =? 0)%N) (shared (N.ones (N.of_nat (length ms))) (map (fun s => minimal [] (used e s)) chosen)).

(** The slots of the patches. *)
Fixpoint chosen_slots (numbers : list N) (listed : list (list tiled)) : option (list (list tiled)) :=
  match numbers with
  | [] => Some []
  | n :: rest =>
      match item listed n, chosen_slots rest listed with
      | Some slot, Some others => Some (slot :: others)
      | _, _ => None
      end
  end.

(** * Claims: every stencil of the claim, at all of its places, inside listed stencils *)

Definition ends (s : list box) : box :=
  match s with
  | [] => []
  | b :: rest => fold_left (fun a c => map (fun p => (Z.min (fst (fst p)) (fst (snd p)), Z.max (snd (fst p)) (snd (snd p))))
      (combine a c)) rest b
  end.

(** The placements at which a shape, with these ends, lies inside a listed stencil. *)
Definition held (s : list box) (outer : tiled) : list box :=
  match shape outer with
  | [o] => flat_map (fun p => match grown p o (ends s) with Some q => [q] | None => [] end) (places outer)
  | o => if forallb (fun b => covered b o) s then places outer else []
  end.

Definition good_slot (needed : list stencil) (listed : list tiled) : bool :=
  forallb (fun s =>
    let around := flat_map (held (fst s)) listed in
    forallb (fun b => covered b [ends (fst s)]) (fst s) && forallb (fun p => covered p around) (snd s)) needed.

Fixpoint good_term (needed : term) (listed : list (list tiled)) : bool :=
  match needed, listed with
  | [], [] => true
  | n :: needed', l :: listed' => good_slot n l && good_term needed' listed'
  | _, _ => false
  end.

(** Terms in which a patch has no place have no region. *)
Definition possible (t : term) : bool := forallb (fun slot => negb (is_nil slot)) t.

(** The stencils of the patches of each term whose evidence is right. *)
Definition right (ms : list mask) (listed : list evidence) : list (list (list tiled)) :=
  flat_map (fun e =>
    match chosen_slots (patches e) (slots e) with
    | Some chosen => if good_evidence ms e chosen then [chosen] else []
    | None => []
    end) listed.

(** Whether the evidence shows the claim. *)
Definition shown (c : certificate) (listed : list (list (list tiled))) : bool :=
  forallb (fun t => existsb (good_term t) listed) (filter possible (expand (image c) [] (claimed c))).

Definition proves (c : certificate) : bool :=
  negb (is_nil (masks c)) && expandable (image c) (claimed c) && shown c (right (masks c) (terms c)).

(** Whether all evidence is right, also what the claim does not need. *)
Definition stands (c : certificate) : bool := Nat.eqb (length (right (masks c) (terms c))) (length (terms c)).

(** * Form: what the proof does not need, but a certificate that says it wrongly is refused *)

Definition on_image (sides : list Z) (b : box) : bool := valid (length sides) b && covered b [cube sides].

Definition volume (boxes : list box) : Z :=
  fold_right (fun b a => a + product (map (fun p => snd p - fst p) b)) 0 boxes.

Fixpoint disjoint (boxes : list box) : bool :=
  match boxes with
  | [] => true
  | b :: rest => forallb (fun o => negb (meets b o)) rest && disjoint rest
  end.

(** As many cells in the tiles as in the places, which are disjoint: with [proves], the tiles are a tiling. *)
Definition tidy (c : certificate) : bool :=
  forallb (fun e => forallb (forallb (fun s =>
    disjoint (places s) && (volume (places s) =? volume (map fst (tiles s))))) (slots e)) (terms c).

Definition starts_at_zero (s : list box) : bool :=
  negb (is_nil s) && forallb (fun p => fst p =? 0) (ends s).

Definition same_numbers (a : list N) (n : nat) : bool :=
  forallb (fun i => (i <? N.of_nat n)%N) a && forallb (fun k => existsb (N.eqb (N.of_nat k)) a) (seq 0 n).

Definition formed_stencil (sides : list Z) (s : tiled) : bool :=
  starts_at_zero (shape s) && negb (is_nil (places s))
  && forallb (on_image sides) (shape s ++ places s ++ map fst (tiles s)).

Definition numbers_of (e : evidence) : list N :=
  nodup N.eq_dec (flat_map (flat_map (fun s => map snd (tiles s))) (slots e)).

Definition formed_evidence (sides : list Z) (ms : list mask) (e : evidence) : bool :=
  let below := forallb (fun i => i <? N.of_nat (length ms))%N in
  negb (is_nil (patches e)) && same_numbers (patches e) (length (slots e))
  && forallb (forallb (formed_stencil sides)) (slots e)
  && match signatures e with
     | None => below (numbers_of e)
     | Some listed => same_numbers (numbers_of e) (length listed) && forallb below listed
     end.

(** Whether each shape that is named fits on the image. *)
Fixpoint fits (sides : list Z) (c : claim) : bool :=
  match c with
  | Squares s => forallb (fun side => s <=? side) sides
  | SquaresOf a =>
      match square_side sides a with
      | Some s => forallb (fun side => s <=? side) sides
      | None => false
      end
  | Rectangle e => covered (cube e) [cube sides]
  | Rectangles a least aspect => negb (is_nil (extents_of sides [] (amount_in sides a) least aspect))
  | Bitmap s => on_image sides (ends s)
  | Union a b | Both a b => fits sides a && fits sides b
  | Avoiding a area | Within a area => fits sides a && forallb (on_image sides) area
  end.

Definition formed (c : certificate) : bool :=
  negb (is_nil (image c)) && forallb (fun s => 1 <=? s) (image c)
  && forallb (forallb (on_image (image c))) (masks c)
  && forallb (formed_evidence (image c) (masks c)) (terms c).

(** Claims of shapes that fit, and of at least one region. *)
Definition formed_claim (c : certificate) : bool :=
  (if expandable (image c) (claimed c) then fits (image c) (claimed c) else false)
  && existsb possible (expand (image c) [] (claimed c)).

Definition check_cover (c : certificate) : bool :=
  if formed c then (if formed_claim c then tidy c && stands c && proves c else false) else false.

(** * Soundness *)

Lemma item_In : forall A (l : list A) number x, item l number = Some x -> In x l.
Proof.
  induction l as [| y l IH]; intros number x H; simpl in H; [discriminate |].
  destruct (number =? 0)%N; [injection H as <-; left; reflexivity | right; apply IH with (N.pred number); exact H].
Qed.

Lemma in_mask_sound : forall ms s t number u,
  in_mask ms s t number = true -> in_box u t ->
  exists m, item ms number = Some m /\ inside (moved (hides s) u) (hides m).
Proof.
  unfold in_mask. intros ms s t number u H Hu. destruct (item ms number) as [m |]; [| discriminate].
  exists m. split; [reflexivity |]. intros c [d [Hd ->]]. apply Exists_exists in Hd. destruct Hd as [b [Hb Hd]].
  rewrite forallb_forall in H. apply covered_spec with (swept t b); [apply H; exact Hb |].
  apply swept_spec; assumption.
Qed.

Lemma good_stencil_sound : forall ms e s u,
  good_stencil ms e s = true -> Exists (in_box u) (places s) ->
  exists number l, In number (map snd (tiles s)) /\ signature e number = Some l
    /\ forall i, In i l -> exists m, item ms i = Some m /\ inside (moved (hides (shape s)) u) (hides m).
Proof.
  intros ms e s u H Hu. apply andb_true_iff in H. destruct H as [Ht Hp]. rewrite forallb_forall in Ht, Hp.
  apply Exists_exists in Hu. destruct Hu as [p [Hp' Hu]].
  apply (covered_spec p _ u (Hp p Hp')) in Hu. apply Exists_exists in Hu. destruct Hu as [t [Hin Hu]].
  apply in_map_iff in Hin. destruct Hin as [[t' number] [E Hin]]. simpl in E. subst t'.
  specialize (Ht _ Hin). unfold good_tile in Ht. simpl in Ht.
  destruct (signature e number) as [l |] eqn:S; [| discriminate].
  exists number, l. split; [| split; [exact S |]].
  - apply in_map_iff. exists (t, number). split; [reflexivity | exact Hin].
  - intros i Hi. rewrite forallb_forall in Ht. apply in_mask_sound with t; [apply Ht; exact Hi | exact Hu].
Qed.

Lemma bits_spec : forall l m, N.testbit (bits l) m = true -> In m l.
Proof.
  induction l as [| i l IH]; intros m H.
  - simpl in H. discriminate.
  - simpl in H. rewrite N.setbit_iff in H. destruct H as [-> | H]; [left; reflexivity | right; apply IH; exact H].
Qed.

Definition subset (a b : N) : Prop := forall m, N.testbit a m = true -> N.testbit b m = true.

Lemma within_spec : forall a b, within a b = true -> subset a b.
Proof.
  unfold within. intros a b H m Hm. apply N.eqb_eq in H. rewrite <- H in Hm. rewrite N.land_spec in Hm.
  apply andb_true_iff in Hm. apply Hm.
Qed.

Lemma minimal_spec : forall sets kept a,
  Exists (fun k => subset k a) kept \/ In a sets -> Exists (fun k => subset k a) (minimal kept sets).
Proof.
  induction sets as [| s sets IH]; intros kept a H; simpl.
  - destruct H as [H | []]. exact H.
  - destruct (existsb (fun k => within k s) kept) eqn:E.
    + apply IH. destruct H as [H | [<- | H]]; [left; exact H | left | right; exact H].
      apply existsb_exists in E. destruct E as [k [Hk E]]. apply Exists_exists. exists k. split; [exact Hk |].
      apply within_spec. exact E.
    + apply IH. destruct H as [H | [<- | H]]; [left | left | right; exact H].
      * apply Exists_exists in H. destruct H as [k [Hk Ha]].
        destruct (within s k) eqn:W.
        -- constructor. intros m Hm. apply Ha. apply (within_spec _ _ W). exact Hm.
        -- apply Exists_cons_tl. apply Exists_exists. exists k. split; [| exact Ha].
           apply filter_In. split; [exact Hk |]. rewrite W. reflexivity.
      * constructor. intros m Hm. exact Hm.
Qed.

Lemma shared_spec : forall all slots picks,
  Forall2 (fun a slot => Exists (fun k => subset k a) slot) picks slots ->
  exists x, In x (shared all slots) /\ forall a, In a picks -> subset x a.
Proof.
  intros all slots picks H. induction H as [| a slot picks slots Ha H IH].
  - exists all. split; [left; reflexivity | intros a []].
  - destruct IH as [x [Hx Hs]].
    assert (M : Exists (fun k => subset k x) (minimal [] (shared all slots))).
    { apply minimal_spec. right. exact Hx. }
    apply Exists_exists in M. destruct M as [k [Hk Hkx]].
    apply Exists_exists in Ha. destruct Ha as [b [Hb Hba]].
    exists (N.land b k). split.
    + simpl. apply in_flat_map. exists b. split; [exact Hb | apply in_map; exact Hk].
    + intros y [<- | Hy] m Hm; rewrite N.land_spec in Hm; apply andb_true_iff in Hm; destruct Hm as [Hm1 Hm2].
      * apply Hba. exact Hm1.
      * apply (Hs y Hy). apply Hkx. exact Hm2.
Qed.

Lemma used_spec : forall e slot s number l, In s slot -> In number (map snd (tiles s)) -> signature e number = Some l ->
  In (bits l) (used e slot).
Proof.
  intros e slot s number l Hs Hn Hl. unfold used. apply in_map_iff. exists number. rewrite Hl. split; [reflexivity |].
  apply nodup_In. apply in_flat_map. exists s. split; assumption.
Qed.

Lemma ends_spec : forall s b, forallb (fun b => covered b [ends s]) s = true -> In b s ->
  forall d, in_box d b -> in_box d (ends s).
Proof.
  intros s b H Hb d Hd. rewrite forallb_forall in H.
  apply (covered_spec _ _ _ (H b Hb)) in Hd. inversion Hd as [? ? E | ? ? E]; subst; [exact E | inversion E].
Qed.

Lemma held_spec : forall s outer u, forallb (fun b => covered b [ends s]) s = true ->
  Exists (in_box u) (held s outer) ->
  exists v, Exists (in_box v) (places outer) /\ inside (moved (hides s) u) (moved (hides (shape outer)) v).
Proof.
  intros s outer u Hends H.
  assert (Many : forallb (fun b => covered b (shape outer)) s = true -> Exists (in_box u) (places outer) ->
    exists v, Exists (in_box v) (places outer) /\ inside (moved (hides s) u) (moved (hides (shape outer)) v)).
  { intros Hc Hu. exists u. split; [exact Hu |]. intros c [d [Hd ->]]. exists d. split; [| reflexivity].
    apply Exists_exists in Hd. destruct Hd as [b [Hb Hd]]. rewrite forallb_forall in Hc.
    exact (covered_spec _ _ _ (Hc b Hb) Hd). }
  unfold held in H. destruct (shape outer) as [| o [| o' os]] eqn:S.
  - destruct (forallb (fun b => covered b []) s) eqn:E; [apply Many; [reflexivity | exact H] | inversion H].
  - apply Exists_exists in H. destruct H as [q [Hq Hu]]. apply in_flat_map in Hq. destruct Hq as [p [Hp Hq]].
    destruct (grown p o (ends s)) as [q' |] eqn:G; [| inversion Hq].
    destruct Hq as [<- | []]. destruct (grown_spec _ _ _ _ _ G Hu) as [v [Hv Hd]].
    exists v. split; [apply Exists_exists; exists p; split; assumption |].
    intros c [d [Hh ->]]. apply Exists_exists in Hh. destruct Hh as [b [Hb Hin]].
    destruct (Hd d (ends_spec s b Hends Hb d Hin)) as [d' [Hd' ->]].
    exists d'. split; [constructor; exact Hd' | reflexivity].
  - destruct (forallb (fun b => covered b (o :: o' :: os)) s) eqn:E; [apply Many; [reflexivity | exact H] | inversion H].
Qed.

(** A patch that lies inside a listed stencil at one of its places. *)
Definition lies_in (p : cells) (slot : list tiled) : Prop :=
  exists s v, In s slot /\ Exists (in_box v) (places s) /\ inside p (moved (hides (shape s)) v).

Lemma good_slot_sound : forall needed listed p, good_slot needed listed = true -> is_piece p needed -> lies_in p listed.
Proof.
  intros needed listed p H [s [u [Hs [Hu ->]]]]. unfold good_slot in H. rewrite forallb_forall in H.
  specialize (H s Hs). cbv zeta in H. apply andb_true_iff in H. destruct H as [He Hp].
  rewrite forallb_forall in Hp. apply Exists_exists in Hu. destruct Hu as [b [Hb Hu]].
  apply (covered_spec _ _ _ (Hp b Hb)) in Hu. apply Exists_exists in Hu. destruct Hu as [q [Hq Hu]].
  apply in_flat_map in Hq. destruct Hq as [outer [Ho Hq]].
  destruct (held_spec (fst s) outer u He) as [v [Hv Hi]].
  - apply Exists_exists. exists q. split; assumption.
  - exists outer, v. repeat split; assumption.
Qed.

Lemma good_term_sound : forall needed listed pieces, good_term needed listed = true ->
  Forall2 is_piece pieces needed -> Forall2 lies_in pieces listed.
Proof.
  induction needed as [| n needed IH]; intros [| l listed] pieces H Hp; try discriminate.
  - inversion Hp; subst. constructor.
  - inversion Hp; subst. simpl in H. apply andb_true_iff in H. destruct H as [H1 H2]. constructor.
    + apply good_slot_sound with n; assumption.
    + apply IH; assumption.
Qed.

Lemma chosen_slots_spec : forall numbers listed chosen slot,
  chosen_slots numbers listed = Some chosen -> In slot chosen -> In slot listed.
Proof.
  induction numbers as [| n numbers IH]; intros listed chosen slot H Hs; simpl in H.
  - injection H as <-. inversion Hs.
  - destruct (item listed n) as [first |] eqn:E; [| discriminate].
    destruct (chosen_slots numbers listed) as [others |] eqn:R; [| discriminate].
    injection H as <-. destruct Hs as [<- | Hs].
    + apply item_In with n. exact E.
    + apply IH with others; [exact R | exact Hs].
Qed.

(** Patches that lie in stencils of good evidence lie inside a mask together. *)
Lemma good_evidence_sound : forall ms e chosen pieces,
  good_evidence ms e chosen = true -> (forall slot, In slot chosen -> In slot (slots e)) -> chosen <> [] ->
  Forall2 lies_in pieces chosen ->
  exists m, In m ms /\ forall p, In p pieces -> inside p (hides m).
Proof.
  intros ms e chosen pieces H Hin Hne Hp. apply andb_true_iff in H. destruct H as [Hst Hsh].
  rewrite forallb_forall in Hst, Hsh.
  set (hold := fun (p : cells) (a : N) => forall i, N.testbit a i = true ->
    exists m, item ms i = Some m /\ inside p (hides m)).
  assert (P : exists picks, Forall2 hold pieces picks
    /\ Forall2 (fun a slot => Exists (fun k => subset k a) slot) picks (map (fun s => minimal [] (used e s)) chosen)).
  { clear Hsh Hne. induction Hp as [| p slot pieces chosen Hl Hp IH]; [exists []; split; constructor |].
    destruct IH as [picks [H1 H2]]; [intros x Hx; apply Hin; right; exact Hx |].
    destruct Hl as [s [v [Hs [Hv Hi]]]].
    assert (G : good_stencil ms e s = true).
    { assert (Q : In slot (slots e)) by (apply Hin; left; reflexivity). specialize (Hst _ Q).
      rewrite forallb_forall in Hst. apply Hst. exact Hs. }
    destruct (good_stencil_sound ms e s v G Hv) as [number [l [Hn [Hl Hm]]]].
    exists (bits l :: picks). split; constructor; try assumption.
    - intros i Hb. destruct (Hm i (bits_spec _ _ Hb)) as [m [E Hm']]. exists m. split; [exact E |].
      intros c Hc. apply Hm'. apply Hi. exact Hc.
    - apply minimal_spec. right. apply used_spec with s number; assumption. }
  destruct P as [picks [H1 H2]].
  destruct (shared_spec (N.ones (N.of_nat (length ms))) _ _ H2) as [x [Hx Hsub]].
  specialize (Hsh x Hx). apply negb_true_iff in Hsh. apply N.eqb_neq in Hsh.
  assert (B : N.testbit x (N.log2 x) = true) by (apply N.bit_log2; exact Hsh).
  assert (L : forall p, In p pieces -> exists m, item ms (N.log2 x) = Some m /\ inside p (hides m)).
  { clear - H1 Hsub B. induction H1 as [| p a pieces picks Hh H1 IH]; intros q [].
    - subst q. apply Hh. apply (Hsub a (or_introl eq_refl)). exact B.
    - apply IH; [| assumption]. intros b Hb. apply Hsub. right. exact Hb. }
  destruct pieces as [| p pieces]; [inversion Hp; congruence |].
  destruct (L p (or_introl eq_refl)) as [m [E _]]. exists m. split; [apply item_In with (N.log2 x); exact E |].
  intros q Hq. destruct (L q Hq) as [m' [E' Hm']]. rewrite E in E'. injection E' as <-. exact Hm'.
Qed.

Lemma realized_possible : forall t r, realized t r -> possible t = true.
Proof.
  intros t r [pieces [H _]]. unfold possible. apply forallb_forall. intros slot Hs.
  induction H as [| p s pieces t Hp H IH]; [inversion Hs |].
  destruct Hs as [<- | Hs]; [| apply IH; exact Hs].
  destruct Hp as [x [u [Hx _]]]. destruct s; [inversion Hx | reflexivity].
Qed.

Theorem proves_sound : forall c, proves c = true -> covers (masks c) (regions (image c) (claimed c)).
Proof.
  intros c H r Hr. unfold proves in H. apply andb_true_iff in H. destruct H as [Hx H].
  apply andb_true_iff in Hx. destruct Hx as [Hms Hx].
  unfold shown in H. rewrite forallb_forall in H.
  destruct (expand_sound (image c) (claimed c) [] r Hx Hr) as [t [Ht Hre]].
  { intros x _ E. inversion E. }
  assert (Q : In t (filter possible (expand (image c) [] (claimed c)))).
  { apply filter_In. split; [exact Ht | apply realized_possible with r; exact Hre]. }
  specialize (H t Q). apply existsb_exists in H. destruct H as [chosen [Hc Hg]].
  unfold right in Hc. apply in_flat_map in Hc. destruct Hc as [e [He Hc]].
  destruct (chosen_slots (patches e) (slots e)) as [chosen' |] eqn:E; [| inversion Hc].
  destruct (good_evidence (masks c) e chosen') eqn:G; [| inversion Hc].
  destruct Hc as [-> | []]. destruct Hre as [pieces [Hp Hin]].
  destruct chosen as [| slot chosen].
  - destruct t as [| n t]; [| discriminate]. inversion Hp; subst.
    destruct (masks c) as [| m ms]; [discriminate |]. exists m. split; [left; reflexivity |].
    intros x Hx'. specialize (Hin x Hx'). inversion Hin.
  - destruct (good_evidence_sound (masks c) e (slot :: chosen) pieces G) as [m [Hm Hall]].
    + intros s Hs. apply chosen_slots_spec with (patches e) (slot :: chosen); assumption.
    + discriminate.
    + apply good_term_sound with t; assumption.
    + exists m. split; [exact Hm |]. intros x Hx'. specialize (Hin x Hx'). apply Exists_exists in Hin.
      destruct Hin as [p [Hp' Hpx]]. exact (Hall p Hp' x Hpx).
Qed.

(** What the checker accepts is a cover: every region of the claim lies wholly inside one of the masks. *)
Theorem check_cover_sound : forall c, check_cover c = true -> covers (masks c) (regions (image c) (claimed c)).
Proof.
  intros c H. unfold check_cover in H. destruct (formed c); [| discriminate]. destruct (formed_claim c); [| discriminate].
  apply andb_true_iff in H. destruct H as [_ H]. apply proves_sound. exact H.
Qed.

(** For files that `maskcover prove` writes: the theorem by computation. *)
Ltac by_check := apply check_cover_sound; vm_compute; reflexivity.
