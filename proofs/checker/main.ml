(* maskcover-check x.cover.json: 0 covers, 1 refuted, 2 not a certificate, 3 could not decide.

   The decision is that of the extracted function check_cover, which is proved sound in Checker.v. Here the file is read. *)

open Maskcover_check

exception Stop of int * string

let bad reason = raise (Stop (2, reason))

(* * From JSON to the certificate *)

let items = function Json.List found -> found | _ -> bad "expected a list"
let whole = function Json.Number digits -> Text.number digits | _ -> bad "expected a whole number"
let natural value = Z.to_N (whole value)

let fields names = function
  | Json.Object found when List.sort compare (List.map fst found) = List.sort compare names ->
      fun name -> List.assoc name found
  | _ -> bad ("expected an object with the fields " ^ String.concat ", " names)

let rec split axes row =
  if axes = 0 then ([], row)
  else
    match row with
    | first :: rest ->
        let taken, left = split (axes - 1) rest in
        (first :: taken, left)
    | [] -> bad "a box of too few numbers"

(* A box, written as starts and extents, and what comes after them. *)
let box axes row =
  let starts, rest = split axes row in
  let extents, rest = split axes rest in
  (List.map2 (fun start extent -> (whole start, Z.add (whole start) (whole extent))) starts extents, rest)

let boxes axes value =
  let one row = match box axes (items row) with found, [] -> found | _ -> bad "a box of too many numbers" in
  List.map one (items value)

let tile axes row =
  match box axes (items row) with
  | found, [ number ] -> (found, natural number)
  | _ -> bad "a tile is a box and one number"

let stencil axes value =
  let get = fields [ "shape"; "places"; "tiles" ] value in
  { shape = boxes axes (get "shape"); places = boxes axes (get "places"); tiles = List.map (tile axes) (items (get "tiles")) }

let evidence axes value =
  let get = fields [ "patches"; "slots"; "signatures" ] value in
  let numbers value = List.map natural (items value) in
  {
    patches = numbers (get "patches");
    slots = List.map (fun slot -> List.map (stencil axes) (items slot)) (items (get "slots"));
    signatures = (match get "signatures" with Json.Null -> None | listed -> Some (List.map numbers (items listed)));
  }

(* * The head of the file *)

let names = [ "schema"; "version"; "image_size"; "regions"; "frame"; "masks"; "terms"; "digest" ]

let check_digest document claimed =
  let content = match document with Json.Object found -> List.remove_assoc "digest" found | _ -> [] in
  let out = Buffer.create 65536 in
  Json.canonical out (Json.Object content);
  if claimed <> Json.Text ("sha256:" ^ Sha256.hex (Buffer.contents out)) then bad "digest: does not match the content"

let region_text = function
  | Json.Text text when text <> "" && String.length text <= 1_000_000 -> text
  | _ -> bad "regions: expected one plain line"

(* The form of evidence that Checker.v does not ask for, but every other judge. *)
let spelt one =
  let number n = match n with N0 -> Z0 | Npos p -> Zpos p in
  let rec rising = function a :: (b :: _ as rest) -> (not (Z.leb (number b) (number a))) && rising rest | _ -> true in
  let listed = Option.value one.signatures ~default:[] in
  List.for_all (List.for_all (fun s -> disjoint s.shape)) one.slots
  && List.for_all (fun found -> found <> [] && rising found) listed
  && List.length (List.sort_uniq compare listed) = List.length listed

(* Claims on images of more cells than this, or of longer sides, could take for ever. *)
let most_cells = Text.number "134217728"
let longest_side = Text.number "65536"

(* * Judging *)

let judge content =
  let document = Json.parse content in
  let get = fields names document in
  if get "schema" <> Json.Text "maskcover/cover-certificate" then bad "schema: expected maskcover/cover-certificate";
  check_digest document (get "digest");
  if get "version" <> Json.Number "1" then bad "version: expected 1";
  let text = region_text (get "regions") in
  let sides = List.map whole (items (get "image_size")) in
  let axes = List.length sides in
  let size = List.fold_left Z.mul (Zpos XH) sides in
  if axes > 8 || not (Z.leb size Text.most_cells) then bad "image_size: expected at most 8 axes and 2^40 cells";
  let small = Z.leb size most_cells && List.for_all (fun side -> Z.leb side longest_side) sides in
  let claim, reason =
    try if small then (Some (Text.read sides text), "") else (None, "the image is too large")
    with Text.Unknown reason -> (None, reason)
  in
  let certificate =
    {
      image = sides;
      masks = List.map (boxes axes) (items (get "masks"));
      claimed = Option.value claim ~default:(Squares (Zpos XH));
      terms = List.map (evidence axes) (items (get "terms"));
    }
  in
  if not (formed certificate) then bad "masks or terms: boxes that leave the image, or numbers of nothing";
  if not (List.for_all spelt certificate.terms) then bad "terms: overlapping boxes of a shape, or unsorted signatures";
  if claim <> None && get "frame" <> Json.Text "input" then bad "frame: expected input";
  if claim <> None && not (formed_claim certificate) then bad "regions: there is no such region on the image";
  if not (tidy certificate && stands certificate) then raise (Stop (1, "the evidence is false"));
  if claim = None then raise (Stop (3, reason));
  if check_cover certificate then
    Printf.sprintf "each region of %s lies inside one of %d masks" text (List.length certificate.masks)
  else raise (Stop (1, "the evidence does not show the claim"))

let read path =
  let channel = open_in_bin path in
  Fun.protect ~finally:(fun () -> close_in channel) (fun () -> really_input_string channel (in_channel_length channel))

let judged path =
  try (0, "covers: " ^ judge (read path)) with
  | Stop (1, reason) -> (1, "refuted: " ^ reason)
  | Stop (3, reason) -> (3, "could not decide: " ^ reason)
  | Stop (_, reason) | Json.Bad reason | Text.Malformed reason | Sys_error reason -> (2, "not a certificate: " ^ reason)
  | Stack_overflow | Out_of_memory -> (3, "could not decide: it is too large")

(* One file: its line. Several: a line each after its name; the exit code is the greatest. *)
let () =
  match List.tl (Array.to_list Sys.argv) with
  | [] -> prerr_endline "usage: maskcover-check x.cover.json ..."; exit 2
  | paths ->
      let show path =
        let code, line = judged path in
        print_endline (if List.length paths = 1 then line else Printf.sprintf "%d %s" code line);
        code
      in
      exit (List.fold_left max 0 (List.map show paths))
