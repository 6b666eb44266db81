"""The two rating ladders, written out on their own."""

_LETTERS = """AAA AA+ AA AA- A+ A A- BBB+ BBB BBB- BB+ BB BB- B+ B B- CCC+ CCC CCC- CC C D"""
_MOODYS = """Aaa Aa1 Aa2 Aa3 A1 A2 A3 Baa1 Baa2 Baa3 Ba1 Ba2 Ba3 B1 B2 B3 Caa1 Caa2 Caa3 Ca"""
LADDERS = (_LETTERS, _MOODYS)
NOTCHES = {symbol: n for ladder in LADDERS for n, symbol in enumerate(ladder.split(), start=1)} | {"SD": 22, "RD": 22}
