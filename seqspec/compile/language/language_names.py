"""What people write for a language in place of its BCP 47 code: its name, its country, its three letters.

BCP 47 takes the shortest code of ISO 639, so the two letters of ISO 639-1 where a language has them; the
words behind each are its code in ISO 639-2 or 639-3, its names, and the codes that are taken for it.
"""

from __future__ import annotations

from functools import cache

_WORDS = """
af: afr afrikaans
am: amh amharic
ar: ara arb arabic
az: aze azj azerbaijani
be: bel belarusian
bg: bul bulgarian
bn: ben bengali bangla
bo: tib bod tibetan
bs: bos bosnian
ca: cat catalan
cs: cze ces cz czech
cy: wel cym welsh
da: dan dk danish
de: ger deu german deutsch
el: gre ell gr greek
en: eng us gb english
eo: epo esperanto
es: spa spanish espanol
et: est ekk estonian
eu: baq eus basque
fa: per fas pes ir persian farsi
fi: fin finnish suomi
fr: fre fra french francais
ga: gle irish
gl: glg galician
gu: guj gujarati
ha: hau hausa
he: heb hebrew iw
hi: hin hindi
hr: hrv scr croatian
hu: hun hungarian magyar
hy: arm hye armenian
id: ind indonesian bahasa
ig: ibo igbo
is: ice isl icelandic
it: ita italian italiano
ja: jpn jp japanese nihongo 日本語
jv: jav javanese
ka: geo kat georgian
kk: kaz kazakh
km: khm khmer
kn: kan kannada
ko: kor korean hangul 한국어
ku: kur kurdish
ky: kir kyrgyz
la: lat latin
lb: ltz luxembourgish
lo: lao
lt: lit lithuanian
lv: lav lvs latvian
mg: mlg malagasy
mi: mao mri maori
mk: mac mkd macedonian
ml: mal malayalam
mn: mon khk mongolian
mr: mar marathi
ms: may msa zsm malay
mt: mlt maltese
my: bur mya burmese
nb: nob bokmal
ne: nep npi nepali
nl: dut nld dutch flemish
nn: nno nynorsk
no: nor norwegian
oc: oci occitan
pa: pan punjabi
pl: pol polish polski
ps: pus pashto
pt: por portuguese
ro: rum ron romanian mo
rm: roh romansh
ru: rus russian
rw: kin kinyarwanda
si: sin sinhala sinhalese
sk: slo slk slovak
sl: slv slovene slovenian
so: som somali
sq: alb sqi als albanian
sr: srp scc serbian
sv: swe swedish
sw: swa swh swahili
ta: tam tamil
te: tel telugu
tg: tgk tajik
th: tha thai
tl: tgl tagalog
tr: tur turkish
uk: ukr ua ukrainian
ur: urd urdu
uz: uzb uzbek
vi: vie vn vietnamese
xh: xho xhosa
yi: yid yiddish
yo: yor yoruba
zh: chi zho cn chinese zh-cmn mandarin 中文 汉语 漢語
zu: zul zulu
"""


@cache
def language_codes() -> dict[str, str]:
    """Word to code, in lower case."""
    found = {}
    for line in _WORDS.strip().splitlines():
        code, _, words = line.partition(":")
        found.update(dict.fromkeys(words.split(), code))
    return found


def language_code(word: str) -> str | None:
    """The code that ``word`` was meant for, its region and script kept; ``None`` where it may be one."""
    plain = word.strip().lower().replace("_", "-")
    whole = language_codes().get(plain)
    if whole:
        return whole
    first, *rest = word.strip().replace("_", "-").split("-")
    code = language_codes().get(first.lower())
    if code is None and "_" in word and len(first) in (2, 3):
        code = first.lower()
    return "-".join((code, *rest)) if code else None
