(* Region texts, the calls of Python in which claims are written, read as the claims of Certificate.v. *)

open Maskcover_check

exception Unknown of string

let unknown what = raise (Unknown ("this checker cannot read " ^ what))

(* * Numbers: digits of any length *)

let rec z_of_int n = if n = 0 then Z0 else Z.add (if n land 1 = 1 then Zpos XH else Z0) (Z.mul (Zpos (XO XH)) (z_of_int (n / 2)))
let ten = z_of_int 10

let number digits =
  let add found c = Z.add (Z.mul ten found) (z_of_int (Char.code c - Char.code '0')) in
  Seq.fold_left add Z0 (String.to_seq digits)

let at_least_one z = Z.leb (Zpos XH) z

(* * Words *)

type token = Name of string | Whole of string | Decimal of string * string | Quoted of string | Sign of char

let is_digit c = c >= '0' && c <= '9'
let is_letter c = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c = '_'

let tokens text =
  let stop = String.length text in
  let rec run test i = if i < stop && test text.[i] then run test (i + 1) else i in
  let rec from found i =
    if i >= stop then List.rev found
    else
      let c = text.[i] in
      if c = ' ' then from found (i + 1)
      else if is_letter c then
        let j = run (fun c -> is_letter c || is_digit c) i in
        from (Name (String.sub text i (j - i)) :: found) j
      else if is_digit c then digits found i
      else if c = '"' then
        let j = run (fun c -> c <> '"') (i + 1) in
        if j = stop then unknown "a text without an end" else from (Quoted (String.sub text (i + 1) (j - i - 1)) :: found) (j + 1)
      else if String.contains "()[],=" c then from (Sign c :: found) (i + 1)
      else unknown (Printf.sprintf "%C in a region text" c)
  and digits found i =
    let j = run is_digit i in
    let whole = String.sub text i (j - i) in
    if String.length whole > 1 && whole.[0] = '0' then unknown whole;
    if j < stop && text.[j] = '.' then
      let k = run is_digit (j + 1) in
      if k = j + 1 || (k < stop && (is_letter text.[k] || text.[k] = '.')) then unknown "a number"
      else from (Decimal (whole, String.sub text (j + 1) (k - j - 1)) :: found) k
    else if j < stop && is_letter text.[j] then unknown "a number"
    else from (Whole whole :: found) j
  in
  from [] 0

(* * Calls *)

type value =
  | Int of z
  | Ratio of z * z
  | Word of string
  | Several of value list
  | Call of string * value list * (string * value) list

let decimal whole part =
  let power = String.fold_left (fun found _ -> Z.mul ten found) (Zpos XH) part in
  Ratio (Z.add (Z.mul (number whole) power) (number part), power)

let rec value = function
  | Whole digits :: rest -> (Int (number digits), rest)
  | Decimal (whole, part) :: rest -> (decimal whole part, rest)
  | Quoted text :: rest -> (Word text, rest)
  | Name name :: Sign '(' :: rest ->
      let plain, named, rest = arguments [] [] rest in
      (Call (name, plain, named), rest)
  | Sign '[' :: rest -> several ']' [] rest
  | Sign '(' :: rest -> (
      match several ')' [] rest with
      | Several [ one ], more -> (one, more)  (* only brackets; a list of one area or number is never needed *)
      | found -> found)
  | _ -> unknown "a region text"

and several stop found = function
  | Sign c :: rest when c = stop -> (Several (List.rev found), rest)
  | items -> (
      let item, rest = value items in
      match rest with
      | Sign ',' :: rest -> several stop (item :: found) rest
      | Sign c :: _ when c = stop -> several stop (item :: found) rest
      | _ -> unknown "a list")

and arguments plain named = function
  | Sign ')' :: rest -> (List.rev plain, List.rev named, rest)
  | items -> (
      let plain, named, rest =
        match items with
        | Name name :: Sign '=' :: rest ->
            let found, rest = value rest in
            if List.mem_assoc name named then unknown ("two " ^ name);
            (plain, (name, found) :: named, rest)
        | _ ->
            if named <> [] then unknown "a number after a name";
            let found, rest = value items in
            (found :: plain, named, rest)
      in
      match rest with
      | Sign ',' :: rest -> arguments plain named rest
      | Sign ')' :: _ -> arguments plain named rest
      | _ -> unknown "the arguments of a call")

(* * Claims *)

let ratio text =
  match String.split_on_char '/' text with
  | [ p; q ] when p <> "" && q <> "" && String.for_all is_digit p && String.for_all is_digit q && at_least_one (number q) ->
      Ratio (number p, number q)
  | _ -> unknown (Printf.sprintf "%S" text)

let amount found =
  match (match found with Word text -> ratio text | other -> other) with
  | Int n when at_least_one n -> Count n
  | Ratio (p, q) when at_least_one p && not (Z.leb q p) -> Share (p, q)
  | _ -> unknown "an amount"

let cells = function Int n when at_least_one n -> n | _ -> unknown "a number of pixels"

let aspect found =
  match (match found with Word text -> ratio text | other -> other) with
  | Int n -> (n, Zpos XH)
  | Ratio (p, q) -> (p, q)
  | _ -> unknown "a ratio of sides"

(* The arguments by their names, in order; those that are not there are None. *)
let named names (plain, given) =
  if List.length plain > List.length names then unknown "so many arguments";
  let first = List.filteri (fun i _ -> i < List.length plain) names in
  let all = List.combine first plain @ given in
  List.iter (fun (name, _) -> if not (List.mem name names) || (List.mem name first && List.mem_assoc name given) then
    unknown ("the argument " ^ name)) all;
  List.map (fun name -> List.assoc_opt name all) names

let zero = Z0

(* The boxes of the rows of a bitmap, and its sides. *)
let drawn text =
  let length = String.length text in
  let text = if length > 0 && text.[length - 1] = '/' then String.sub text 0 (length - 1) else text in
  let rows = String.split_on_char '/' text in
  let width = String.length (List.hd rows) in
  let even row = String.length row = width && String.for_all (fun c -> c = '0' || c = '1') row in
  if width = 0 || not (List.for_all even rows) || (List.length rows = 1 && length = String.length text) then unknown "a bitmap";
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
  if boxes = [] then unknown "an empty bitmap";
  let low = [ least 0 boxes; least 1 boxes ] in
  List.map (List.map2 (fun a (l, h) -> (minus l a, minus h a)) low) boxes

let area sides = function
  | Word text ->
      let boxes, size = drawn text in
      if List.map z_of_int size <> sides then unknown "a bitmap of another size than the image";
      boxes
  | Several numbers ->
      let numbers = List.map (function Int n -> n | _ -> unknown "an area") numbers in
      let axes = List.length sides in
      if List.length numbers <> 2 * axes then unknown "an area of other axes";
      let starts = List.filteri (fun i _ -> i < axes) numbers and extents = List.filteri (fun i _ -> i >= axes) numbers in
      [ List.map2 (fun a n -> (a, Z.add a n)) starts extents ]
  | _ -> unknown "an area"

let need = function Some found -> found | None -> unknown "a call without one of its arguments"

let rec claim ~alone sides = function
  | Call ("squares", plain, given) -> (
      match named [ "size"; "area" ] (plain, given) with
      | [ Some size; None ] -> Squares (cells size)
      | [ None; Some share ] -> SquaresOf (amount share)
      | _ -> unknown "such squares")
  | Call ("rectangle", plain, given) when List.length sides = 2 ->
      Rectangle (List.map (fun found -> cells (need found)) (named [ "height"; "width" ] (plain, given)))
  | Call ("rectangles", plain, given) -> (
      match named [ "area"; "min_side"; "max_aspect" ] (plain, given) with
      | [ Some limit; least; ratio ] ->
          Rectangles (amount limit, (match least with None -> Zpos XH | Some n -> cells n), Option.map aspect ratio)
      | _ -> unknown "such rectangles")
  | Call ("bitmap", [ Word text ], []) when List.length sides = 2 -> Bitmap (moved (fst (drawn text)))
  | Call ("union", first :: more, []) -> union (claim ~alone sides first) (List.map (claim ~alone sides) more)
  | Call ("patches", plain, given) when not alone -> (
      match named [ "regions"; "k" ] (plain, given) with
      | [ Some (Several (first :: more)); None ] when List.length more < 16 ->
          patches_of (claim ~alone:true sides first) (List.map (claim ~alone:true sides) more)
      | [ Some one; Some k ] when Z.leb (cells k) (z_of_int 16) -> copies (claim ~alone:true sides one) (cells k)
      | _ -> unknown "such patches")
  | Call ("within", plain, given) -> bounded ~alone sides (named [ "regions"; "area" ] (plain, given)) (fun a x -> Within (a, x))
  | Call ("avoiding", plain, given) -> bounded ~alone sides (named [ "regions"; "area" ] (plain, given)) (fun a x -> Avoiding (a, x))
  | _ -> unknown "such regions on such an image"

and bounded ~alone sides given make =
  match given with
  | [ Some one; Some bound ] -> make (claim ~alone sides one) (area sides bound)
  | _ -> unknown "the area of regions"

let read sides text =
  match value (tokens text) with
  | found, [] -> claim ~alone:false sides found
  | _ -> unknown "more than one call"
