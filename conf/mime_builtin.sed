# Makes conf/mime_builtin.inc from conf/mime.types: one C string literal for
# each line, to be the initialiser of a char array.
s/#.*//
s/[[:space:]][[:space:]]*/ /g
s/^ //
s/ $//
/^$/d
s/["\\]/\\&/g
s/.*/"&\\n"/
