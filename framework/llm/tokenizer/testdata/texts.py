"""The texts that the tokenizers are trained and tried on."""

TRAIN = [
    "The quick brown fox jumps over the lazy dog. It's 12 o'clock, isn't it?",
    "Once upon a time, there were 3 little pigs; they'll build 100 houses!",
    "naïve café, Ünïcödé, 東京は日本の首都です。 Привет, мир! مرحبا 🙂🙂",
    "def f(x):\n    return x + 1\n\n\tif x == 10:\r\n        pass\n",
    "What is the capital of France? The capital of France is Paris.",
    "नमस्ते दुनिया, สวัสดีชาวโลก, שלום עולם, Γειά σου Κόσμε, 안녕하세요 세계, 你好，世界！",
] * 3

FIXED = [
    "", " ", "  ", "\n", " \n ", "a", " a", "a ", "  a  b   c ", "\t\ttab", "Hello, world!", "hello world",
    "It's they'll I'M we've I'd don't 'tis '' 's", "12345 6 78.90 1,000,000 ½ Ⅷ ٣٤٥", "3 + 4 = 7",
    "naïve café", "cafe\u0301 e\u0301", "東京は日本の首都です。", "Привет, мир!", "مرحبا بالعالم", "🙂 👩‍👩‍👧 🇫🇷",
    "\u00a0nbsp\u00a0x", "\u2003em\u3000ideographic", "zero\u200bwidth\ufeff", "\x00\x01\x7f", "\u0085next\u2028line",
    "def f(x):\n    return x + 1\n\n\tif x == 10:\r\n        pass\n", "a\n\nb\n \nc", "<s>", "</s><s>", "hi <s> there</s> x",
    "<|endoftext|>", "a<|endoftext|>b <|endoftext|> c", "<|end", "<|endoftext|", "<0x41> <0x0A>", "▁a ▁▁ b", "Ġa Ċ",
    "[MASK] x[MASK]y  [MASK]  z", "wordword word", "awordb", "ﬁ Å K ﷺ", "the" * 40, "\\n \\t \"q\" `c` ~!@#$%^&*()_+",
    "a\u0300\u0301\u0302b", "𝟘𝟙 𝔸𝔹 𐐷", "ᄀᄁ 각", "x" * 70 + " " * 9 + "y",
    # Contractions, quotes and digits at the edges of the patterns.
    "'ſ 'S 'LL 'Ve 'RE'D 'T's", "x'ſa 'ſs", "ქხჯ ქხჯქხჯ", "don’t ‘quote’ ''''s", "'", "''", "'l", "'r e", "1234567890 1 22 333 4444 ೧೨೩೪", "a1b2c3", "x²y³ 10⁻⁹", "$5.00/€3,50 §7 №9",
    "\r\n\r\n", "\r", "a\r\nb\rc\nd", "   \n\n   x", "x   \n", "  \t \u00a0 \n y", "!\n\n?\r\n", " !!!\n", " \u3000 a", "...\n\n\n...", "?!\u2028x", "\n a", "\n  a\n",
    "\u000b\u000c\u001c\u001d\u001e\u001f\u0085", "\u1680\u2000\u200a\u202f\u205f\u3000", "a\u00adb", "\u200e\u200f\u202a\u202c", "\u2060\u2061word joiner",
    # Scripts.
    "नमस्ते दुनिया", "हिन्दी में क्षत्रिय", "বাংলা ভাষা", "தமிழ் மொழி", "తెలుగు", "ಕನ್ನಡ", "മലയാളം", "සිංහල", "สวัสดีชาวโลก", "ພາສາລາວ", "བོད་སྐད།", "မြန်မာဘာသာ",
    "ქართული ენა", "አማርኛ", "ភាសាខ្មែរ", "ᠮᠣᠩᠭᠣᠯ", "שָׁלוֹם עוֹלָם", "اَلْعَرَبِيَّةُ", "اردو زبان", "فارسی ۱۲۳", "ελληνικά ΣΊΣΥΦΟΣ ς", "İstanbul ıI iİ", "ǅ ǈ ǲ ŉ ß ẞ ﬀ ﬆ",
    "Việt Nam tiếng Việt ỗ", "kéo žluťoučký kůň", "Жълтурчета ЁЙ ё", "日本語カタカナ ひらがな ｶﾀｶﾅ ガ ゙", "中文测试，简体字。繁體字！", "한국어 조선말 ㄱㄴㄷ", "𠀀𠮷𡈽 㐀䶵 豈﨑", "Ꮳꭰ Ⴀⴀ", "ꙁꚃ ꟊꟋ", "𞤀𞤢 𐐀𐐨", "𒀀𓀀𓏲 𝕬", "ⅷ Ⅻ ⒈ ㊿ ㋿ ㍿",
    # Emoji, combining marks, what is not assigned or not a character.
    "👍🏽 👨‍👩‍👧‍👦 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ❤️ ☺︎ 1️⃣", "🇩🇪🇫🇷🇯", "a" + "\u0301" * 5, "a" + "\u0316\u0301" * 20, "e\u0327\u0301 \u1e69 s\u0323\u0307 s\u0307\u0323", "\u0344 \u0340\u0341 \u0f73\u0f75 \u2126\u212b",
    "\u0301lonely mark", " \u0301x", "\ufffd\ufffe\uffff", "\ue000\U000f0000\U0010ffff", "\ud7ff\ue000", "\u0378\u0379 \u05ff", "\U0001f9ff\U0001fae8\U0001fadf", "\u1c89\ua7cb\ua7dc \U00010d50\U00010d40",
    "\ufb50\ufdfa\ufefb", "ﾞﾟ ﾡ ￠￦", "\u1100\u1161\u11a8 \uac00\u11a8 \uac01", "\u02d8\u02ca\u02db", "\ufe7a\u1bff", "\u00b4x", "   \u0301 x", "\u200b \ufeffx", "\u0b47\u0b3e \u0dd9\u0dcf", "\u11935\U00011935\U00011930", "\u0958 \u09dc \ufb1d \u2adc \U0001d15e",
    # Words long enough for every path, and repetition.
    "supercalifragilisticexpialidocious", "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft", "a" * 300, "ab" * 99, "é" * 120, "字" * 60, "😀" * 30, "=" * 80, "-" * 33 + ">", "\t" * 20, "\n" * 17, " " * 40 + "x",
    "0" * 50, "the the the the the the the the", "https://example.com/a?b=c&d=%20e#f", "user@example.org", "C:\\Users\\x\\y.txt", "{\"k\": [1, 2.5e-3, null]}", "<div class=\"a\">x &amp; y</div>", "for (int i=0;i<n;++i){a[i]+=b[i];}", "SELECT * FROM t WHERE x='y';", "```py\nprint('hi')\n```",
    "I do not know . Do you ? Yes ! It 's n't 'm 've 're ' x '", "##a a##b ## #", "[CLS] a [SEP] b [PAD] [UNK]", "<mask> x <mask>y", "a  <mask>", "<pad><unk></s>", "<|im_start|>user\nhi<|im_end|>\n", "<tool_call>{}</tool_call>", "<sep> a<sep>b", "▁<sep>", "|||IP_ADDRESS||| is", "<start_of_turn>model\n\n\nx", "``quoted'' text", "<extra_id_0> <extra_id_1>",
    "word's [word] words_word word", "  [MASK]\t\n[MASK]", "\u3000<mask>\u3000", "<s> <s>  <s>", "<S>", "Ａｌｌ ｗｉｄｅ", "e\u0301\u0301\u200d©\u200d®", "\u00a9\u0301 \u00b2\u200d", "f\ufb01\u0301x", "\u2581", "\u2581\u2581a\u2581", "_under_score_", "a_b", "co\u00f6p co-op co\u2010op", "5\u20323\u2033", "x\u0332y\u0332", "\ua9bd\u1734\ua8c5",
]

BLOCKS = [(0x20, 0x7F)] * 6 + [
    (0x09, 0x0E), (0x20, 0x21), (0x0A, 0x0B), (0x00, 0x20), (0x80, 0x100), (0x100, 0x250), (0x2B0, 0x370), (0x370, 0x400), (0x400, 0x530), (0x530, 0x600), (0x600, 0x700), (0x900, 0xA00), (0xA00, 0xE00),
    (0xE00, 0x1000), (0x1000, 0x1200), (0x1200, 0x1380), (0x13A0, 0x1800), (0x1800, 0x1C00), (0x1C00, 0x1E00), (0x1E00, 0x2000), (0x2000, 0x2070), (0x2070, 0x2200), (0x2460, 0x2700), (0x3000, 0x3100), (0x3100, 0x3400), (0x4E00, 0x9FFF),
    (0xA000, 0xAC00), (0xAC00, 0xD7A4), (0xF900, 0xFB50), (0xFB50, 0xFE00), (0xFE00, 0x10000), (0x10000, 0x11000), (0x11000, 0x12000), (0x16000, 0x17000), (0x1D100, 0x1D800), (0x1E000, 0x1F000), (0x1F000, 0x1FC00), (0x20000, 0x2FA20), (0x30000, 0x32400), (0xE0000, 0xE0200),
]
PIECES = [" ", "  ", "\n", "\n\n", "\r\n", "\t", "'s", "'LL", "’t", " the", "The", "ing", "12", "345", "...", "!?", "\u0301", "\u200d", "\ufe0f", "\u0327", "\u093f", "\u094d", "<s>", "</s>", "[MASK]", "<mask>",
          "word", "<|endoftext|>", "[SEP]", "##", "▁", "Ġ", "_", "<0x41>", "<sep>", "<tool_call>", "<|im_end|>", " capital", " quick", "東京", "Привет", "🙂", "ﬁ", "가", "\u1100\u1161", "ſ", "İ", "Σ", "``", "''"]


def random_texts(rng, n):
    """Pieces and runs of characters of a few blocks, in any order."""
    out = []
    while len(out) < n:
        blocks = [rng.choice(BLOCKS) for _ in range(rng.randint(1, 4))]
        text = ""
        for _ in range(rng.randint(1, 14)):
            if rng.random() < 0.45:
                text += rng.choice(PIECES)
            else:
                low, high = rng.choice(blocks)
                text += "".join(chr(rng.randrange(low, high)) for _ in range(rng.randint(1, 5)))
        if not any(0xD800 <= ord(c) < 0xE000 for c in text):
            out.append(text)
    return out
