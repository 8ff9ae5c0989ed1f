(* Region texts, the calls of Python in which claims are written, read as the claims of Certificate.v.

   They are spelt as `maskcover prove` spells them; what no judge would read is Malformed, and what only maskcover
   reads, such as other families, is Unknown. *)

open Maskcover_check

exception Unknown of string
exception Malformed of string

let unknown what = raise (Unknown ("this checker cannot read " ^ what))
let malformed what = raise (Malformed ("regions: expected " ^ what))

(* * Numbers: digits of any length *)

let rec z_of_int n = if n = 0 then Z0 else Z.add (if n land 1 = 1 then Zpos XH else Z0) (Z.mul (Zpos (XO XH)) (z_of_int (n / 2)))
let ten = z_of_int 10

let number digits =
  let add found c = Z.add (Z.mul ten found) (z_of_int (Char.code c - Char.code '0')) in
  Seq.fold_left add Z0 (String.to_seq digits)

let at_least_one z = Z.leb (Zpos XH) z
let most_cells = number "1099511627776"
let finest = number ("1" ^ String.make 40 '0')

(* * Words *)

type token = Name of string | Whole of string | Decimal of string * string | Odd of string | Quoted of string | Sign of char

let is_digit c = c >= '0' && c <= '9'
let is_letter c = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c = '_'
let is_word c = is_letter c || is_digit c
let deepest = 64

(* Texts are digits with slashes or colons, or begin with a letter. *)
let quotable text =
  let words c = is_word c || String.contains " (),.+-" c in
  String.for_all (fun c -> is_digit c || c = '/' || c = ':') text || (is_letter text.[0] && text.[0] <> '_' && String.for_all words text)

let tokens text =
  let stop = String.length text in
  let at i = if i >= 0 && i < stop then text.[i] else '\x00' in
  let rec run test i = if i < stop && test text.[i] then run test (i + 1) else i in
  let digits most i =
    let j = run is_digit i in
    if j = i || j - i > most then malformed "numbers of at most 40 digits" else j
  in
  let rec from found depth i =
    if i >= stop then List.rev found
    else
      match text.[i] with
      | '(' | '[' when depth = deepest -> malformed "brackets at most 64 deep"
      | ('(' | '[') as c -> from (Sign c :: found) (depth + 1) (i + 1)
      | (')' | ']') as c -> from (Sign c :: found) (depth - 1) (i + 1)
      | ',' when at (i + 1) = ' ' && at (i + 2) <> ')' && at (i + 2) <> ']' -> from (Sign ',' :: found) depth (i + 2)
      | '"' ->
          let j = run (fun c -> c <> '"') (i + 1) in
          let inner = String.sub text (i + 1) (j - i - 1) in
          if j = stop || at (j + 1) = '"' || not (quotable inner) then malformed "texts of digits, or that begin with a letter";
          from (Quoted inner :: found) depth (j + 1)
      | c when is_letter c -> word found depth i (run is_letter i)
      | c when is_digit c || c = '-' ->
          if is_word (at (i - 1)) || String.contains ".)\"]" (at (i - 1)) then malformed "something between numbers";
          numeral found depth i (if c = '-' then i + 1 else i)
      | c -> malformed (Printf.sprintf "calls, numbers, texts and brackets; found %C" c)
  and word found depth i j =
    let name = String.sub text i (j - i) in
    match at j with
    | '(' -> from (Name name :: found) depth j
    | '=' -> from (Sign '=' :: Name name :: found) depth (j + 1)
    | c when (name = "True" || name = "False") && not (is_word c) -> from (Odd name :: found) depth j
    | _ -> malformed "calls and names of arguments"
  and numeral found depth first i =
    let j = digits 40 i in
    if j > i + 1 && text.[i] = '0' then malformed "numbers that do not begin with 0";
    let k = if at j = '.' then digits 40 (j + 1) else j in
    let l = if at k = 'e' then digits 3 (if at (k + 1) = '+' || at (k + 1) = '-' then k + 2 else k + 1) else k in
    if is_word (at l) || at l = '.' then malformed "numbers";
    let whole = String.sub text i (j - i) in
    let one =
      if first < i then Sign '-'  (* no number of a claim that is read here has a sign *)
      else if l > k then Odd (String.sub text i (l - i))
      else if k > j then Decimal (whole, String.sub text (j + 1) (k - j - 1))
      else Whole whole
    in
    from (one :: found) depth l
  in
  from [] 0 0

(* * Calls *)

type value =
  | Int of z
  | Ratio of z * z
  | Word of string
  | Other of string  (* a number or a word that this checker does not read *)
  | Negative
  | Several of value list
  | Call of string * value list * (string * value) list

let lowest (p, q) =
  let common = Z.gcd p q in
  if common = Z0 then (p, q) else (Z.div p common, Z.div q common)

let decimal whole part =
  let power = String.fold_left (fun found _ -> Z.mul ten found) (Zpos XH) part in
  Ratio (Z.add (Z.mul (number whole) power) (number part), power)

let rec value = function
  | Whole digits :: rest -> (Int (number digits), rest)
  | Decimal (whole, part) :: rest -> (decimal whole part, rest)
  | Quoted text :: rest -> (Word text, rest)
  | Odd text :: rest -> (Other text, rest)
  | Sign '-' :: rest -> (Negative, rest)
  | Name name :: Sign '(' :: rest ->
      let plain, named, rest = arguments [] [] rest in
      (Call (name, plain, named), rest)
  | Sign '[' :: rest -> several ']' [] rest
  | Sign '(' :: rest -> (
      match several ')' [] rest with
      | Several [ one ], more -> (one, more)  (* only brackets; a list of one area or number is never needed *)
      | found -> found)
  | _ -> malformed "a call, a number, a text or a list"

and several stop found = function
  | Sign c :: rest when c = stop -> (Several (List.rev found), rest)
  | items -> (
      let item, rest = value items in
      match rest with
      | Sign ',' :: rest -> several stop (item :: found) rest
      | Sign c :: _ when c = stop -> several stop (item :: found) rest
      | _ -> malformed "the end of a list")

and arguments plain named = function
  | Sign ')' :: rest -> (List.rev plain, List.rev named, rest)
  | items -> (
      let plain, named, rest =
        match items with
        | Name name :: Sign '=' :: rest ->
            let found, rest = value rest in
            if List.mem_assoc name named then malformed ("one " ^ name);
            (plain, (name, found) :: named, rest)
        | _ ->
            if named <> [] then malformed "a name for each argument after one with a name";
            let found, rest = value items in
            (found :: plain, named, rest)
      in
      match rest with
      | Sign ',' :: rest -> arguments plain named rest
      | Sign ')' :: _ -> arguments plain named rest
      | _ -> malformed "the end of a call")

(* * Claims *)

(* A whole number or a ratio in lowest terms; also one that is written as a text. *)
let numeric found =
  let digits most text = text <> "" && String.length text <= most && String.for_all is_digit text in
  let found =
    match found with
    | Word text -> (
        match String.split_on_char '/' text with
        | [ n ] when digits 12 n -> Int (number n)
        | [ p; q ] when digits 41 p && digits 41 q && at_least_one (number q) -> Ratio (number p, number q)
        | _ -> malformed (Printf.sprintf "a number; found %S" text))
    | other -> other
  in
  match found with
  | Int n when Z.leb n finest -> (n, Zpos XH, true)
  | Ratio (p, q) ->
      let p, q = lowest (p, q) in
      if Z.leb p finest && Z.leb q finest then (p, q, false) else malformed "a coarser number"
  | Other text -> unknown text
  | _ -> malformed "a number"

let amount found =
  match numeric found with
  | n, _, true when at_least_one n && Z.leb n most_cells -> Count n
  | p, q, false when at_least_one p && not (Z.leb q p) -> Share (p, q)
  | _ -> malformed "pixels or a share"

let cells found =
  match amount found with Count n -> n | Share _ -> malformed "a number of pixels"

let aspect found =
  let p, q, _ = numeric found in
  if Z.leb q p then (p, q) else malformed "a ratio of sides of at least 1"

(* The arguments by their names, in order; those that are not there are None. Only the first few may lack their name. *)
let named ?most names (plain, given) =
  if List.mem_assoc "touching" given then unknown "touching";
  if List.length plain > Option.value most ~default:(List.length names) then malformed "fewer arguments without a name";
  let first = List.filteri (fun i _ -> i < List.length plain) names in
  let all = List.combine first plain @ given in
  List.iter (fun (name, _) -> if not (List.mem name names) || (List.mem name first && List.mem_assoc name given) then
    malformed ("no argument " ^ name)) all;
  List.map (fun name -> List.assoc_opt name all) names

let need = function Some found -> found | None -> malformed "all arguments of a call"

(* The boxes of the rows of a bitmap of two axes, and its sides. *)
let drawn text =
  let length = String.length text in
  let bits = String.for_all (fun c -> c = '0' || c = '1' || c = '/') text in
  let rec planes i = i + 1 < length && ((text.[i] = '/' && text.[i + 1] = '/') || planes (i + 1)) in
  if (not bits) || (not (String.contains text '/')) || planes 0 then unknown (Printf.sprintf "%S" text);
  let text = if text.[length - 1] = '/' then String.sub text 0 (length - 1) else text in
  let rows = String.split_on_char '/' text in
  let width = String.length (List.hd rows) in
  if width = 0 || List.exists (fun row -> String.length row <> width) rows then malformed "a bitmap of even rows";
  let rec runs y row x =
    match String.index_from_opt row x '1' with
    | None -> []
    | Some a ->
        let b = match String.index_from_opt row a '0' with Some b -> b | None -> width in
        [ (z_of_int y, z_of_int (y + 1)); (z_of_int a, z_of_int b) ] :: runs y row b
  in
  (List.concat (List.mapi (fun y row -> runs y row 0) rows), [ List.length rows; width ])

let least axis boxes =
  let lows = List.map (fun b -> fst (List.nth b axis)) boxes in
  List.fold_left (fun a b -> if Z.leb a b then a else b) (List.hd lows) lows

let minus a b = Z.add a (match b with Zpos p -> Zneg p | other -> other)

(* The drawn cells, moved to begin at 0. *)
let moved boxes =
  if boxes = [] then malformed "a bitmap with a 1";
  let low = [ least 0 boxes; least 1 boxes ] in
  List.map (List.map2 (fun a (l, h) -> (minus l a, minus h a)) low) boxes

let area sides = function
  | Word text ->
      let boxes, size = drawn text in
      if List.map z_of_int size <> sides then malformed "a bitmap of the size of the image";
      boxes
  | Several numbers ->
      let corner = function Several _ -> true | _ -> false in
      if List.exists corner numbers then unknown "an area of corners";
      let numbers = List.map (function Int n -> n | _ -> malformed "an area of whole numbers") numbers in
      let axes = List.length sides in
      if List.length numbers <> 2 * axes then malformed "starts and extents of an area";
      let starts = List.filteri (fun i _ -> i < axes) numbers and extents = List.filteri (fun i _ -> i >= axes) numbers in
      [ List.map2 (fun a n -> (a, Z.add a n)) starts extents ]
  | _ -> malformed "an area"

(* What would take for ever: all shapes of an area are looked at where a ratio or areas restrict them. *)
let most_work = number "16777216"

let bearable sides restricted boxes =
  let size = List.fold_left Z.mul (Zpos XH) sides in
  if restricted && not (Z.leb (Z.mul size (z_of_int (1 + boxes))) most_work) then unknown "so many shapes"

(* Whether a claim is of one patch at a time. *)
let rec alone = function
  | Both _ -> false
  | Union (a, b) -> alone a && alone b
  | Avoiding (a, _) | Within (a, _) -> alone a
  | _ -> true

let alone_or_bad found = if alone found then found else malformed "no patches of patches"

(* A union as a balanced tree: of thousands of members it is not thousands deep. *)
let rec joined = function
  | [] -> malformed "members of a union"
  | [ one ] -> one
  | members ->
      let half = List.length members / 2 in
      Union (joined (List.filteri (fun i _ -> i < half) members), joined (List.filteri (fun i _ -> i >= half) members))

(* `around` are the areas that a call stands in: each makes of a claim the one that is restricted to it. *)
let rec claim sides around given =
  let inner = claim sides around in
  match given with
  | Call ("squares", plain, given) -> (
      match named ~most:1 [ "size"; "area" ] (plain, given) with
      | [ Some size; None ] -> Squares (cells size)
      | [ None; Some share ] -> SquaresOf (amount share)
      | _ -> malformed "either a size or an area of squares")
  | Call ("rectangle", plain, given) ->
      if List.length sides <> 2 then malformed "an image of two axes";
      Rectangle (List.map (fun found -> cells (need found)) (named [ "height"; "width" ] (plain, given)))
  | Call ("rectangles", plain, given) -> (
      match named ~most:1 [ "area"; "min_side"; "max_aspect" ] (plain, given) with
      | [ Some limit; least; ratio ] ->
          let boxes = List.fold_left (fun sum (_, boxes) -> sum + List.length boxes) 0 around in
          bearable sides (ratio <> None || around <> []) boxes;
          Rectangles (amount limit, (match least with None -> Zpos XH | Some n -> cells n), Option.map aspect ratio)
      | _ -> malformed "an area of rectangles")
  | Call ("bitmap", plain, given) -> (
      match named [ "cells" ] (plain, given) with
      | [ Some (Word text) ] ->
          let found = moved (fst (drawn text)) in
          if List.length sides <> 2 then malformed "an image of two axes";
          Bitmap found
      | _ -> malformed "the text of a bitmap")
  | Call ("union", members, []) -> joined (List.map inner members)
  | Call ("patches", plain, given) -> (
      match named [ "regions"; "k" ] (plain, given) with
      | [ Some (Several (first :: more)); None ] when List.length more < 16 ->
          let members = List.map (fun one -> alone_or_bad (inner one)) (first :: more) in
          List.iter (placeable sides around) members;
          patches_of (List.hd members) (List.tl members)
      | [ Some one; Some (Int k) ] when at_least_one k && Z.leb k (z_of_int 16) -> copies (alone_or_bad (inner one)) k
      | _ -> malformed "1 to 16 patches")
  | Call ("within", plain, given) -> bounded sides around (plain, given) (fun a x -> Within (a, x))
  | Call ("avoiding", plain, given) -> bounded sides around (plain, given) (fun a x -> Avoiding (a, x))
  | Call ("union", _, given) -> ignore (named [] ([], given)); malformed "members of a union"
  | Call (name, _, _) -> unknown name
  | _ -> malformed "a region set"

and bounded sides around given make =
  match named [ "regions"; "area" ] given with
  | [ Some one; Some bound ] ->
      let boxes = area sides bound in
      make (claim sides (((fun a -> make a boxes), boxes) :: around) one) boxes
  | _ -> malformed "an area of regions"

(* Of different patches each has a place where all of them are allowed. *)
and placeable sides around member =
  let whole = List.fold_left (fun found (restrict, _) -> restrict found) member around in
  if not (fits sides whole && expandable sides whole && List.exists possible (expand sides [] whole)) then
    malformed "patches that each have a place where all are allowed"

let read sides text =
  match value (tokens text) with
  | found, [] -> claim sides [] found
  | _ -> malformed "one call"
