(* A strict reader of the JSON that certificates are made of: objects, lists, texts, whole numbers from 0 on, null. *)

exception Bad of string

type t = Null | Number of string | Text of string | List of t list | Object of (string * t) list

let parse text =
  let position = ref 0 in
  let peek () = if !position < String.length text then text.[!position] else '\x00' in
  let next () =
    let c = peek () in
    incr position;
    c
  in
  let rec blank () =
    match peek () with
    | ' ' | '\t' | '\n' | '\r' -> incr position; blank ()
    | _ -> ()
  in
  let expect c = if next () <> c then raise (Bad (Printf.sprintf "expected %C before byte %d" c !position)) in
  let number () =
    let first = !position in
    while peek () >= '0' && peek () <= '9' do incr position done;
    let digits = String.sub text first (!position - first) in
    if String.length digits > 1 && digits.[0] = '0' then raise (Bad "a number that begins with 0");
    if String.length digits > 13 then raise (Bad "a number of more than 13 digits");
    match peek () with
    | '.' | 'e' | 'E' -> raise (Bad "a number that is not whole")
    | _ -> Number digits
  in
  (* What is left of an escape by number; certificates are plain text, however it is written. *)
  let plain_character () =
    let digits = String.init 4 (fun _ -> next ()) in
    let hexadecimal c = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') in
    let code = if String.for_all hexadecimal digits then int_of_string ("0x" ^ digits) else 0 in
    if code >= 32 && code < 127 then Char.chr code else raise (Bad "an escape that no certificate needs")
  in
  let string () =
    expect '"';
    let found = Buffer.create 16 in
    let rec more () =
      match next () with
      | '"' -> Buffer.contents found
      | '\\' -> (
          match next () with
          | ('"' | '\\' | '/') as c -> Buffer.add_char found c; more ()
          | 'u' -> Buffer.add_char found (plain_character ()); more ()
          | _ -> raise (Bad "an escape that no certificate needs"))
      | c when c >= ' ' && c <= '~' -> Buffer.add_char found c; more ()
      | _ -> raise (Bad "a text with other than plain characters, or without an end")
    in
    more ()
  in
  let rec value depth =
    if depth > 100 then raise (Bad "nested too deeply");
    blank ();
    let found =
      match peek () with
      | '[' -> incr position; List (items ']' (fun () -> value (depth + 1)))
      | '{' -> incr position; Object (distinct (items '}' (fun () -> field (depth + 1))))
      | '"' -> Text (string ())
      | 'n' -> String.iter expect "null"; Null
      | '0' .. '9' -> number ()
      | _ -> raise (Bad (Printf.sprintf "nothing to read at byte %d" !position))
    in
    blank ();
    found
  and field depth =
    blank ();
    let name = string () in
    blank ();
    expect ':';
    (name, value depth)
  and distinct fields =
    let names = List.map fst fields in
    if List.length (List.sort_uniq compare names) <> List.length names then raise (Bad "a field that is there twice");
    fields
  and items : 'a. char -> (unit -> 'a) -> 'a list = fun stop read ->
    blank ();
    if peek () = stop then (incr position; [])
    else
      let rec more found =
        let found = read () :: found in
        match next () with
        | ',' -> more found
        | c when c = stop -> List.rev found
        | _ -> raise (Bad (Printf.sprintf "expected a comma or %C before byte %d" stop !position))
      in
      more []
  in
  let found = value 0 in
  if !position <> String.length text then raise (Bad "more text after the end");
  found

(* The canonical text of which the digest is taken: sorted fields, no blanks. *)
let rec canonical out = function
  | Null -> Buffer.add_string out "null"
  | Number digits -> Buffer.add_string out digits
  | Text text -> quoted out text
  | List items -> listed out '[' ']' (canonical out) items
  | Object fields ->
      let field (name, value) = quoted out name; Buffer.add_char out ':'; canonical out value in
      listed out '{' '}' field (List.sort compare fields)

and quoted out text =
  Buffer.add_char out '"';
  String.iter (fun c -> if c = '"' || c = '\\' then Buffer.add_char out '\\'; Buffer.add_char out c) text;
  Buffer.add_char out '"'

and listed : 'a. Buffer.t -> char -> char -> ('a -> unit) -> 'a list -> unit = fun out first last write items ->
  Buffer.add_char out first;
  List.iteri (fun i item -> if i > 0 then Buffer.add_char out ','; write item) items;
  Buffer.add_char out last
