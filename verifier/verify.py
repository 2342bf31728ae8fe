#!/usr/bin/env python3
"""A second verifier of Lethe logs, written from FORMAT.md alone. It reads audit copies, without a key or a server.
The tables come from FORMAT.md itself; headings are its sections. Exit codes: 0 consistent, 1 broken, 2 unreadable."""

import argparse, base64, datetime, hashlib, json, os, re, stat, struct, sys
from collections import namedtuple
from pathlib import Path
from blake3 import blake3
from nacl.exceptions import CryptoError
from nacl.signing import VerifyKey

DOCUMENT = Path(__file__).resolve().parent.parent / "events" / "FORMAT.md"
NO_HASH, DAY_MS = bytes(32), 86_400_000
EPOCH = datetime.date(1970, 1, 1)
CALENDAR = range(-96_465_292, 95_026_237)  # the days of the years -262143 to 262142
NAME = r"[^\s+\x00-\x1f\x7f-\x9f]+"
LINE = r"[^\x00-\x1f]+\n"
NOTE = rf"(({LINE})(0|[1-9][0-9]*)\n(\S+)\n(?:{LINE})*)\n((?:— {NAME} [^\s=]{{7}}\S*\n){{1,100}})"  # 7: over 4 bytes
HEAD = "(0|[1-9][0-9]*):([0-9a-f]{64})"
NUMBERS = {name: (int(name[1:]) // 8, name[0] == "i") for name in ("u8", "u16", "u32", "u64", "i32", "i64")}
STEPS = "stays requested|requested (approved|withdrawn)|approved (withdrawn|ordered)|ordered certified"
OWN = ("clock signer map exported backed-up keyring continued erasures reopened nothing-newer "
       "actor.token-issued actor.token-revoked").split()
NOT_COVERED = """events that were never written; two ids for one person; whether sealed parts are there, which is the \
operator's inventory; times, which are the operator's claim; a log rewritten from its start, where no head was kept"""

class Broken(Exception):
    """The log is not as FORMAT.md says: at which position, and why. What cannot be judged raises others."""

def check(holds, reason, position=None):
    if not holds:
        raise ValueError(reason) if position is None else Broken(position, reason)

derive_key = lambda context, data: blake3(data, derive_key_context=context).digest()
# ---- 3. Stored values, and 4. the tables that say which ones come next
class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, length):
        check(length <= len(self.data) - self.at, "it ends too early")
        self.at += length
        return self.data[self.at - length : self.at]

    def number(self, size, signed=False):
        return int.from_bytes(self.take(size), "big", signed=signed)

    def choice(self, size, known):
        number = self.number(size)
        check(number in known, f"{number} stands where it means nothing")
        return known[number]

def read_whole(data, read):
    value = read(reader := Reader(data))
    check(reader.at == len(data), "bytes stand behind its end")
    return value

class Tables:
    """A choice: a number of so many bytes, and what each says: a word, and fields, a tuple of names and types."""
    def __init__(self, document):
        made = dict(re.findall(r"<!-- made: (\w+) -->\n(.*?)\n<!-- end", document, re.DOTALL))
        cells = lambda line: [cell.strip() for cell in line.strip("|").split(" | ")]
        rows = lambda name: map(cells, made[name].splitlines()[2:])
        self.streams = re.findall(r"`([a-z]+)`", made["streams"])
        self.structures, self.choices = {}, {"bool": (1, {0: (False, ()), 1: (True, ())})}
        self.choices["hundredths of a percent"] = 2, {number: (number, ()) for number in range(10_001)}
        for name, cell in rows("codes"):
            self.choices[name] = 2, {int(number): (word, ()) for number, word in re.findall(r"(\d+) `(\w+)`", cell)}
        for name, cell in rows("structures"):
            variants = re.findall(r"(\w+) `(\d+)(?:, then ([^`]+))?`(?: \((\w+)\))?", cell)
            self.structures[name.strip("`")] = self.fields(cell)
            if variants:
                self.choices[name.strip("`")] = 4, {int(row[1]): (row[0], self.variant(*row[2:])) for row in variants}
        self.kinds = {(row[0].strip("`"), int(row[1])): (self.fields(row[2]), row[3]) for row in rows("kinds")}

    def fields(self, cell):
        found = re.findall(r"(\w+) `([^`\d][^`]*)`(?: \(([\w ]+)\))?", cell)
        return tuple((name, self.coded(text, codes)) for name, text, codes in found)

    def variant(self, text, codes):
        named = [field.rpartition(": ") for field in self.coded(text, codes).split(", ") if field]
        return tuple((name or "value", type_) for name, _, type_ in named)

    def coded(self, text, codes):
        """The table in brackets is the one that the last number is from; other brackets name a unit."""
        return codes.join(text.rsplit("u16", 1)) if codes in self.choices else text

    def read(self, reader, text):
        if isinstance(text, tuple):
            return {name: self.read(reader, type_) for name, type_ in text}
        outer, _, inner = text.removesuffix(">").partition("<")
        if text in NUMBERS:
            return reader.number(*NUMBERS[text])
        if text.startswith("["):
            taken = reader.take(int(text[5:-1]))
            check(text != "[u8; 3]" or re.fullmatch(rb"[A-Z]{3}", taken), "a currency has three capital letters")
            return taken
        if text == "String":
            return reader.take(reader.number(8)).decode()
        if outer == "Vec":
            return [self.read(reader, inner) for _ in range(min(reader.number(8), len(reader.data) + 1))]
        if outer == "Option":
            return self.read(reader, inner) if reader.choice(1, (False, True)) else None
        if outer == "ChangeV1":
            word = reader.choice(4, {0: "stays", 1: "cleared", 2: "set"})
            return (word, self.read(reader, inner)) if word == "set" else word
        if text in self.choices:
            word, fields = reader.choice(*self.choices[text])
            return (word, self.read(reader, fields)) if fields else word
        if text == "CompartmentV1":
            in_compartment(*struct.unpack(">HI", (reader.data[reader.at :] + bytes(6))[:6]))
        return self.read(reader, self.structures[text])

# ---- 2. Records and the chain
Part = namedtuple("Part", "code bucket key commitment")
Record = namedtuple("Record", """log position recorded_at effective_at kind version stream_kind stream revision previous
previous_in_stream actor command index count causation facts parts""")

def read_record(reader, streams):
    check(reader.take(2) == b"\1\1", "its version or suite is none that is known")
    head = struct.unpack(">16sQqq", reader.take(40))
    kind, version = reader.take(reader.number(1)).decode(), reader.number(2)
    stream_kind = reader.take(reader.number(1)).decode()
    middle = struct.unpack(">16sQ32s32s16s16sHH", reader.take(124))
    causation = reader.number(8) if reader.choice(1, (False, True)) else None
    facts = reader.take(reader.number(2))
    parts = [in_compartment(*struct.unpack(">HI16s32s", reader.take(54))) for _ in range(reader.number(1))]
    record = Record(*head, kind, version, stream_kind, *middle, causation, facts, parts)
    named = re.fullmatch(r"[a-z0-9._-]+", kind) and stream_kind in streams
    check(named and record.index < record.count, "a name, or the place in its command, is one that no record has")
    return record

def in_compartment(code, bucket, key=None, commitment=None):
    named = code in (1, 5, 6) and bucket == 0 or code in (2, 3, 8) and bucket <= 0xFFFF or code == 7
    check(named or code == 4 and re.match(rb"[A-Z]{2}", bucket.to_bytes(4, "big")), "there is no such compartment")
    return Part(code, bucket, key, commitment)

class Verifier:
    def __init__(self, tables, stream=None):
        self.tables, self.tree, self.stream, self.entries = tables, Tree(), stream, []
        self.size, self.hash, self.recorded_at, self.generations = 0, NO_HASH, None, []  # log ids and origins
        self.orders, self.certified, self.keys = {}, set(), [(-1, ("", b"", None))]  # keys: the log's, by position
        self.destroyed, self.before, self.lost = set(), set(), set()  # keys; before: by the register, at a restore
        self.parts, self.made = [], {}  # position, key, presence; by position and number, as they are since a reseal
        self.leave, self.exported = ("stays", None), None  # a controller's last step and its actor; the last export
        self.unfinished = None  # a command: its id, its count, the next index
        self.streams, self.steps, self.map, self.map_size = {}, [], {}, 0  # id -> kind, count, hash of the last record

    def take(self, data, presences):
        """Checks the next record, and keeps it if it is of the stream whose trail is asked for."""
        record = read_whole(data, lambda reader: read_record(reader, self.tables.streams))
        fields, parts = self.tables.kinds.get((record.kind, record.version), (None, "each"))
        # Of a version that came later there are no facts: whoever needs one finds none, which is a KeyError.
        facts = {} if fields is None else read_whole(record.facts, lambda r: self.tables.read(r, fields))
        there = [facts.get(has, True) for has in re.findall(r"(?:^|<br>)one(?: where (\w+))?:", parts)]
        check("each" in parts or sum(there) == len(record.parts), "it has other sealed parts than its kind")
        self.check_place(record, facts)
        self.hash, self.recorded_at = derive_key("lethe 2026 record v1", data), record.recorded_at
        self.unfinished = (record.command, record.count, record.index + 1) if record.index + 1 < record.count else None
        self.streams[record.stream] = record.stream_kind, record.revision + 1, self.hash
        self.steps.append((record.stream, self.streams[record.stream]))
        self.tree.add(data)
        check(len(presences) == len(record.parts), "the inventory has another count of its parts")
        check(self.destroyed.isdisjoint(part.key for part in record.parts), "a part is under a destroyed key")
        self.parts += [(record.position, part.key, presence) for part, presence in zip(record.parts, presences)]
        self.check_facts(record, facts)
        self.made |= {(self.size, n): part for n, part in enumerate(record.parts) if record.kind != "case.resealed"}
        self.restored = record.kind in ("log.continued", "log.erasures")
        if (record.stream_kind, record.stream.hex()) == self.stream:
            self.entries.append(make_entry(record, facts, self.hash))
        self.size += 1

    def check_place(self, record, facts):
        """Rules 2 to 9, in this order."""
        check(record.position == self.size, f"it says that it is record {record.position}")
        check((self.size == 0) == (record.kind == "log.opened"), "a log begins with log.opened, and it does so once")
        if record.kind in ("log.opened", "log.continued"):
            self.check_generation(record, facts)
        check(record.log == self.generations[-1][0], "it belongs to another log")
        check(record.stream_kind != "log" or record.stream == record.log, "it is in another log's stream")
        check(record.kind.split(".")[0] == record.stream_kind, "its kind is none of its stream")
        check(record.previous == self.hash, "it does not link to the record before")
        check(self.recorded_at is None or record.recorded_at >= self.recorded_at, "it goes back in time")
        check(record.effective_at <= record.recorded_at, "it became true after it was recorded")
        check(record.causation is None or record.causation < self.size, "its cause is not before it")
        stands = self.streams.get(record.stream, (record.stream_kind, 0, NO_HASH))
        check((record.stream_kind, record.revision, record.previous_in_stream) == stands, "it breaks its stream")
        wanted = self.unfinished or (record.command, record.count, 0)
        check((record.command, record.count, record.index) == wanted, "a command is not complete and together")
        self.check_leave(record, facts, record.kind.removeprefix("log."))

    def check_leave(self, record, facts, kind):
        (stage, by), step = self.leave, kind.removeprefix("leave-")
        check(stage != "certified", "it stands behind the record that certifies that every key was destroyed")
        self.exported = record.position if kind == "exported" else self.exported
        if step == kind:
            self.leave = ("stays", None) if kind == "continued" else self.leave
            return check(kind in {"approved": OWN, "ordered": OWN[:2]}.get(stage, (kind,)), "its controller is leaving")
        named = self.tables.kinds[record.kind, record.version] and facts.get("export") in (None, self.exported)
        follows = re.fullmatch(STEPS, f"{stage} {step}") and (step, record.actor) != ("approved", by)
        check(named and follows, "it is no step of two people that have a controller leave")
        self.leave = ("stays" if step == "withdrawn" else step, record.actor)

    def check_generation(self, record, facts):
        if record.kind == "log.continued":
            marks = {facts["size"]: facts["root"], facts["checkpoint_size"]: facts["checkpoint_root"]}
            follows = (facts["old_log"], facts["old_origin"], facts["size"]) == (*self.generations[-1], self.size)
            marked = follows and facts["root"] == marks[self.size] == self.tree.root(0, self.size)
            check(marked and (record.index, record.count) == (0, 1), "it continues another log")
            check({facts["log"], facts["origin"]}.isdisjoint(sum(self.generations, ())), "its names are not new")
        check(re.fullmatch(NAME, facts["origin"]), "its origin can be no key's name")
        self.generations.append((facts["log"], facts["origin"]))

    def check_facts(self, record, facts):
        if record.kind in ("log.signer", "log.continued"):
            self.keys.append((self.size, make_key(origin := self.generations[-1][1], facts["public_key"])))
            check(facts.get("name", origin) == origin, "its key has another name than the log")
        elif record.kind == "log.keyring":
            self.lost.update(facts["keys"])
        elif record.kind == "log.erasures":
            self.before, self.destroyed = (keys.union(facts["keys"]) for keys in (self.before, self.destroyed))
            check(self.restored, "it excuses keys and does not stand behind a restore")
        elif record.kind == "log.map":
            check(self.map_size < facts["size"] <= self.size <= facts["size"] + 262_144, "it is a map of no size here")
            self.map.update(self.steps[self.map_size : facts["size"]])
            self.map_size, made = facts["size"], (len(self.map), map_root(sorted(self.map.items())))
            check(made == (facts["streams"], facts["root"]), "the map is another than that of the records")
        elif record.kind == "case.destruction-ordered":
            self.orders.setdefault((facts["erasure"], record.stream), set()).update(facts["keys"])
            self.destroyed.update(facts["keys"])
        elif record.kind in (steps := {"case.certified": self.orders, "case.certified-finally": self.certified}):
            check((of := (facts["erasure"], record.stream)) in steps[record.kind], "nothing in its stream led to it")
            self.certified.add(of)
        elif record.kind == "case.resealed":
            named = [each["of"] for each in facts["moved"]] + facts["dropped"]
            check(len(facts["moved"]) == len(record.parts), "it moves another count of parts than it has")
            for of, part in zip(named, record.parts + [None] * len(facts["dropped"])):
                was = self.made.pop(at := (of["position"], of["part"]), None)
                fits = was and was.key == facts["from"] and part in (None, was._replace(key=facts["to"]))
                code = fits and self.tables.choices["CompartmentKind"][1][was.code][0]
                check(fits and [code, was.bucket] == [*facts["compartment"].values()], "it moves what is another part")
                self.made |= {at: part} if part else {}
        elif record.kind == "notice.published":
            check(blake3(facts["text"].encode()).digest() == facts["hash"], "the hash is another text's")

    def finish(self):
        check(self.size and self.unfinished is None, "the log has no record, or its last command is not complete")
        gone = {key for order in self.certified for key in self.orders[order]}
        counts = dict(present=0, erased=0, erased_before_restore=0, lost=0, residue=0)
        for position, key, presence in self.parts:
            absent = "erased" if key in gone else "erased_before_restore" if key in self.before else "lost"
            check(presence == 1 or absent != "lost" or key in self.lost, "a sealed part is missing", position)
            is_residue = absent != "lost" or self.leave[0] == "certified"
            counts[absent if presence != 1 else "residue" if is_residue else "present"] += 1
        found = dict(head=f"{self.size}:{self.hash.hex()}", origin=self.generations[-1][1], streams=len(self.streams))
        return found | dict(parts=counts, certified_erasures=len(self.certified), left=self.leave[0] == "certified")

# ---- 7. The audit copy
def verify(directory, verifier, expect=None, key=None):
    named = re.fullmatch(f"lethe audit copy 1\n({HEAD})\n", read_file(directory / "audit-copy", 4096).decode("latin-1"))
    check(named, "audit-copy does not say what an audit copy says", 0)
    head = parse_head(named[1])
    try:
        for data, presences in read_bundles(directory, head[0]):
            verifier.take(data, presences)
        found = verifier.finish()
        for size, last in (expect or head, head):
            met = [step[1][2] for step in verifier.steps[size - 1 : size]] == [last]
            check(met, f"the log has another head there; it ends at {found['head']}", max(size, 1) - 1)
        if os.path.lexists(directory / "checkpoint"):
            found["checkpoint"] = check_checkpoint(directory / "checkpoint", verifier, key)
            found["hash_tiles"] = check_tiles(directory, verifier.tree, found["checkpoint"]["size"])
    except (OSError, ValueError) as why:
        raise Broken(verifier.size, str(why)) from why
    except KeyError as why:
        raise LookupError(f"record {verifier.size}: its version of its kind is not in FORMAT.md") from why
    check("checkpoint" in found or not key, "there is no checkpoint that the key could have signed")
    return {"verdict": "consistent", **found, "expected": expect is not None, "not_covered": NOT_COVERED.split("; ")}

def read_file(path, most):
    """Somebody else made this file: no link is followed, no pipe waited for, no more read than it may have."""
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK)) as file:
        data = file.read(most + 1) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else None
    check(data is not None and len(data) <= most, f"{path} is no regular file of at most {most} bytes")
    return data

def read_bundles(directory, size):
    listed = lambda of: [(of.choice(1, {1: 1, 2: 2, 3: 3}), of.number(4))[0] for _ in range(of.number(1))]
    for first in range(0, size, 256):
        width = min(256, size - first)
        records = read_bundle(directory, "entries", first, width, lambda reader: reader.take(reader.number(2)), 65_537)
        yield from zip(records, read_bundle(directory, "inventory", first, width, listed, 1 + 255 * 5))

def read_bundle(directory, name, first, width, read, most):
    data, wide = read_tile(directory, name, first // 256, width, most)
    return read_whole(data, lambda reader: [read(reader) for _ in range(wide)])[:width]

def read_tile(directory, name, number, width, most):
    """A tile or bundle, and how many entries of so many bytes it has: if one that is not full is gone, then more."""
    *above, last = f"{number:,}".split(",")
    full = f"tile/{name}/" + "".join(f"x{group:0>3}/" for group in above) + f"{last:0>3}"
    path = lambda wide: directory / (f"{full}.p/{wide}" if wide < 256 else full)
    wide = next((wide for wide in (width, 256, *range(width, 256)) if os.path.lexists(path(wide))), width)
    return read_file(path(wide), wide * most), wide

def parse_head(text):
    check(named := re.fullmatch(HEAD, text), "a head is SIZE:HASH")
    return int(named[1]), bytes.fromhex(named[2])

# ---- 8. The map of stream heads
def map_root(heads):
    """The root over a sorted list of stream ids, each with kind, count and hash. A log has at least its own stream."""
    if len(heads) == 1:
        stream, (kind, count, last) = heads[0]
        leaf = stream + bytes([len(kind)]) + kind.encode() + count.to_bytes(8, "big") + last
        return derive_key("lethe 2026 map leaf v1", leaf)
    low, high = (int.from_bytes(heads[at][0], "big") for at in (0, -1))
    bit = 128 - (low ^ high).bit_length()
    ones = sum(int.from_bytes(stream, "big") >> (127 - bit) & 1 for stream, _ in heads)
    return derive_key("lethe 2026 map node v1", bytes([bit]) + map_root(heads[:-ones]) + map_root(heads[-ones:]))

# ---- The RFC 6962 tree, its tiles and its checkpoint (C2SP tlog-tiles, tlog-checkpoint, signed-note)
class Tree:
    """At level 0 the hashes of all records, at each level above it those of the full tiles below."""
    def __init__(self):
        self.levels = [bytearray() for _ in range(9)]

    def add(self, data):
        self.levels[0] += hashlib.sha256(b"\0" + data).digest()
        for level, (below, above) in enumerate(zip(self.levels, self.levels[1:])):
            if len(below) % (256 * 32):
                break
            width = 256 ** (level + 1)
            above += self.root(len(above) // 32 * width, width)

    def root(self, first, size):
        """The hash over so many records from one on at which a subtree of that size begins."""
        for level, hashes in enumerate(self.levels):
            at = first // 256**level * 32
            if size == 256**level and at < len(hashes):
                return bytes(hashes[at : at + 32])
        left = 1 << (size - 1).bit_length() - 1 if size else 0
        below = b"\1" + self.root(first, left) + self.root(first + left, size - left) if size else b""
        return hashlib.sha256(below).digest()

def check_tiles(directory, tree, size):
    tiles = [(level, first) for level in range(9) for first in range(0, size // 256**level, 256)]
    for level, first in tiles:
        hashes = tree.levels[level][first * 32 : min(first + 256, size // 256**level) * 32]
        try:
            tile, wide = read_tile(directory, level, first // 256, len(hashes) // 32, 32)
            check(len(tile) == wide * 32 and tile.startswith(hashes), "its hashes are not those of the records")
        except (OSError, ValueError) as why:
            raise Broken(first * 256**level, f"a tile of level {level} is not there, or not good: {why}") from why
    return len(tiles)

def check_checkpoint(path, verifier, key):
    """Holds a checkpoint against the records, and against a key: if none is given, the last one that the log names."""
    check(note := re.fullmatch(NOTE, read_file(path, 1_048_576).decode()), "the checkpoint is no signed note")
    text, origin, size, root = note[1].encode(), note[2][:-1], int(note[3]), from_base64(note[4])
    signatures = [(name, from_base64(coded)) for name, coded in re.findall(r"— (\S+) (\S+)\n", note[5])]
    known = origin in dict(verifier.generations).values() and size <= verifier.size
    check(known, "the checkpoint is of another log, or of more records than there are")
    check(root == verifier.tree.root(0, size), "the checkpoint has another root than the records", max(size, 1) - 1)
    own = key or (verifier.keys[:2] + [named for named in verifier.keys if 0 <= named[0] < size])[-1][1]
    signed = own[0] == origin and has_signed(own, text, signatures)
    check(signed or not own[0], "the checkpoint is not signed by the log", size)
    return {"size": size, "root": root.hex(), "signature_checked": signed}

def has_signed(key, text, signatures):
    mine = [signature[4:] for name, signature in signatures if (name, signature[:4]) == key[:2]]
    try:
        return [key[2].verify(text, signature) for signature in mine] != []
    except (ValueError, CryptoError):
        return False

def make_key(name, public):
    return name, hashlib.sha256(f"{name}\n".encode() + b"\1" + public).digest()[:4], VerifyKey(public)

def parse_key(vkey):
    name, id_, coded = vkey.split("+", 2)
    kind, public = from_base64(coded)[:1], from_base64(coded)[1:]
    check(kind == b"\1" and make_key(name, public)[1].hex() == id_, "this is no key of a log")
    return make_key(name, public)

def from_base64(text):
    check(base64.b64encode(data := base64.b64decode(text)) == text.encode(), "base64 has one form")
    return data

# ---- 9. A trail of consents
Entry = namedtuple("Entry", "record facts hash word scope")
Standing = namedtuple("Standing", "entry state evidence until", defaults=(None, None))

def make_entry(record, facts, hash_):
    about = facts.get("about") or facts["scope"]
    point = about["point"] and f"point_{about['point'].hex()}"
    return Entry(record, facts, hash_, record.kind.split(".")[1], (about["purpose"], about["channel"], point))

def make_trail(stream, entries, on, tables):
    seen = [entry for entry in entries if entry.record.effective_at < (on + 1) * DAY_MS]
    seen.sort(key=lambda entry: (entry.record.effective_at, entry.record.position))
    numbers = {word: number for number, (word, _) in tables.choices["Channel"][1].items()}
    by_name, states = lambda scope: (scope[0] or "", numbers.get(scope[1], 0), scope[2] or ""), []
    for scope in sorted({entry.scope for entry in seen}, key=by_name):
        held = stand(seen, scope, on)
        told = dict(zip(("purpose", "channel", "contact_point"), scope), state=held.state, evidence=held.evidence)
        told |= {"decided_by": held.entry.record.position, "since": moment(held.entry.record.effective_at)}
        states.append(told | {"valid_until": day(held.until)})
    return {"stream": stream, "as_of": day(on), "records": [tell(entry) for entry in entries], "states": states}

def stand(seen, scope, on):
    """Where one consent stands, by the records that count, in the order in which they became true."""
    if None in scope:
        last = [entry for entry in seen if entry.scope == scope][-1]
        return Standing(last, last.word.upper())
    standing = proven = None
    reaches = lambda entry: all(named in (None, value) for named, value in zip(entry.scope, scope))
    for entry in filter(reaches, seen):
        if entry.word in ("refused", "withdrawn", "objected"):
            standing, proven = Standing(entry, entry.word.upper()), None
        elif entry.word == "requested":
            standing = standing or Standing(entry, "REQUESTED")
        else:
            evidence = entry.facts.get("evidence", "CONFIRMED_BY_CODE")
            state = "CONFIRMED" if evidence == "CONFIRMED_BY_CODE" else "GIVEN"
            standing = Standing(entry, state, evidence, entry.facts["valid_until"])
            proven = standing if state == "CONFIRMED" else proven
    last, proven_last = (2**31 if yes is None or yes.until is None else yes.until for yes in (standing, proven))
    if last < on:
        return standing._replace(state="EXPIRED")
    if standing.state == "GIVEN" and proven and proven_last >= on:
        return proven if proven_last <= last else proven._replace(until=last)
    return standing

def tell(entry):
    record, facts = entry.record, entry.facts
    told = dict(zip(("purpose", "channel", "contact point"), (named or "all" for named in entry.scope)))
    if shown := facts.get("shown"):
        told |= {"notice": f"notice_{shown['notice'].hex()}", "notice hash": shown["hash"].hex()}
        told["notice version"] = shown["version"]
    says = {"expires_at": ("code runs out", moment), "valid_until": ("valid until", day), "evidence": ("evidence", str)}
    told |= {name: write(facts[field]) for field, (name, write) in says.items() if field in facts}
    told |= facts["way"]
    line = {"position": record.position, "revision": record.revision, "recorded_at": moment(record.recorded_at)}
    line |= {"occurred_at": moment(record.effective_at), "late": record.recorded_at - record.effective_at > DAY_MS}
    return line | dict(kind=entry.word, facts=told, actor=f"actor_{record.actor.hex()}", hash=entry.hash.hex())

def moment(ms):
    days, rest = divmod(ms, DAY_MS)
    clock = datetime.datetime.min + datetime.timedelta(milliseconds=rest)
    return f"{day(days)}T{clock:%H:%M:%S}.{rest % 1000:03}Z" if days in CALENDAR else f"{ms} ms"

def day(days):
    """A day of the calendar. Python's own ends with the year 9999; 400 years have 146,097 days."""
    if days is None or days not in CALENDAR:
        return None if days is None else f"day {days}"
    date = EPOCH + datetime.timedelta(days % 146_097)
    year = date.year + days // 146_097 * 400
    return (f"{year:04}" if 0 <= year <= 9999 else f"{year:+05}") + f"{date:-%m-%d}"

# ---- The command line
def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("command", choices=["verify", "trail"])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--key", type=parse_key, metavar="VKEY", help="the log's key, as in C2SP signed-note")
    parser.add_argument("--expect", type=parse_head, metavar="SIZE:HASH", help="a head that was kept from earlier")
    parser.add_argument("--stream", help="for a trail: which one, such as consents_0123…")
    parser.add_argument("--as-of", type=datetime.date.fromisoformat, metavar="DAY", help="for a trail; else today")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument("--format", type=Path, default=DOCUMENT, help="FORMAT.md, where it is not in ../events")
    arguments = parser.parse_args()
    try:
        code, said = 0, run(arguments)
    except Broken as why:
        code, said = 1, {"verdict": "broken", "position": why.args[0], "reason": why.args[1]}
    except Exception as why:
        sys.exit(print(in_words(f"{type(why).__name__}: {why}"), file=sys.stderr) or 2)
    sys.exit(print(json.dumps(said, indent=2) if arguments.json else in_words(said)) or code)

def run(arguments):
    kind, _, id_ = (arguments.stream or "").partition("_")
    verifier = Verifier(Tables(arguments.format.read_text("utf-8")), (kind, id_))
    found = verify(arguments.directory, verifier, arguments.expect, arguments.key)
    if arguments.command == "verify":
        return found
    check(kind == "consents" and verifier.entries, f"the log has no {arguments.stream}; say --stream consents_…")
    on = arguments.as_of or datetime.datetime.now(datetime.UTC).date()
    return make_trail(arguments.stream, verifier.entries, (on - EPOCH).days, verifier.tables)

def in_words(said, between="\n"):
    if isinstance(said, dict):
        return between.join(f"{name}: {in_words(value, '  ')}" for name, value in said.items() if value is not None)
    if isinstance(said, list):
        return "".join(f"\n  {in_words(each, '  ')}" for each in said)
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in str(said))

if __name__ == "__main__":
    main()
