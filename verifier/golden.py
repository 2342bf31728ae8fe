#!/usr/bin/env python3
"""Reads the golden files with what verify.py has from FORMAT.md: `golden.py DIRECTORY OUT`.

Every record of records.txt is read, made again from its values, and hashed; every sealed part is opened with its key, and
its commitment computed. The bundles in files.txt are written to OUT as the audit copy that they are.
"""

import struct
import sys
from pathlib import Path

from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt as decrypt

from verify import DOCUMENT, NUMBERS, Tables, Verifier, derive_key, read_record, read_whole


def write(tables, value, text):
    """The bytes of a value: what Tables.read has read, made again."""
    if isinstance(text, tuple):
        return b"".join(write(tables, value[name], type_) for name, type_ in text)
    outer, _, inner = text.removesuffix(">").partition("<")
    if text in NUMBERS:
        size, signed = NUMBERS[text]
        return value.to_bytes(size, "big", signed=signed)
    if text.startswith("["):
        return value
    if text == "String":
        return len(value.encode()).to_bytes(8, "big") + value.encode()
    if outer == "Vec":
        return len(value).to_bytes(8, "big") + b"".join(write(tables, each, inner) for each in value)
    if outer == "Option":
        return b"\0" if value is None else b"\1" + write(tables, value, inner)
    word, inside = value if isinstance(value, tuple) else (value, {})
    if outer == "ChangeV1":
        number = ("stays", "cleared", "set").index(word).to_bytes(4, "big")
        return number + (write(tables, inside, inner) if word == "set" else b"")
    if text in tables.choices:
        size, known = tables.choices[text]
        number, fields = next((number, fields) for number, (name, fields) in known.items() if name == word)
        return number.to_bytes(size, "big") + write(tables, inside, fields)
    return write(tables, value, tables.structures[text])


def same(made, there, what):
    if made != there:
        raise SystemExit(f"{what}: {made!r} was made and {there!r} stands there")


def read_blocks(text):
    """Position, kind and version of each record, its lines by name, and its parts as lists of name and value."""
    for block in text.split("\n\n")[1:]:
        title, *lines = block.splitlines()
        names, parts = {}, []
        for name, _, value in (line.strip().partition(" ") for line in lines):
            if name == "part":
                parts.append([])
            elif parts:
                parts[-1].append((name, value.strip()))
            else:
                names[name] = b"" if value.strip() == "none" else bytes.fromhex(value)
        yield title.split(), names, parts


def check_values(tables, data, fields, what):
    value = read_whole(data, lambda reader: tables.read(reader, fields))
    same(write(tables, value, fields), data, what)
    return value


def part_fields(tables, record, facts, count, known):
    """The fields of each part, by the column of the table of kinds that says how many there are of which."""
    shapes = []
    for shape in tables.kinds[record.kind, record.version][1].split("<br>"):
        there, _, cell = shape.partition(": ")
        condition = there.removeprefix("one").strip()
        if condition == "under each key that stays":
            shapes += [tables.fields(cell)] * count
        elif condition == "for each of moved":
            shapes += [known[each["of"]["position"], each["of"]["part"]][0] for each in facts["moved"]]
        elif there != "none" and (not condition or facts[condition.removeprefix("where ")]):
            shapes.append(tables.fields(cell))
    same(len(shapes), count, f"how many parts {record.kind} has")
    return shapes


def check_part(tables, record, number, fields, lines, before):
    """5: opens a sealed part, and makes its clear text and its commitment again; before: its values when it was whole."""
    what, part, named = f"part {number} of record {record.position}", record.parts[number], dict(lines)
    key, salt, nonce, sealed = (bytes.fromhex(named[name]) for name in ("key", "salt", "nonce", "sealed"))
    values = [None if value == "gone" else bytes.fromhex(value) for name, value in lines if name == "field"]
    same(len(values), len(fields), f"{what}: how many fields")
    for value, field in zip(values, fields):
        value is None or check_values(tables, value, (field,), f"{what}: {field[0]}")
    subject, compartment = bytes.fromhex(named["subject"]), struct.pack(">HI", part.code, part.bucket)
    leaves, clear = [], b""
    for at, value in enumerate([subject, compartment, *(before or values)]):
        leaf_salt = derive_key("lethe 2026-11 seal: leaf salt", salt + struct.pack(">I", at))
        leaves.append(derive_key("lethe 2026-11 seal: leaf", leaf_salt + struct.pack(">I", at) + value))
        stays = at < 2 or values[at - 2] is not None
        clear += b"\1" + leaf_salt + len(value).to_bytes(2, "big") + value if stays else b"\0" + leaves[-1]
    if None not in values:
        clear = salt + subject + compartment + b"".join(len(value).to_bytes(2, "big") + value for value in values)
    place = b"\1" + record.log + sized(record.stream_kind) + record.stream + struct.pack(">Q", record.revision)
    place += sized(record.kind) + struct.pack(">HB", record.version, number) + part.key
    same(derive_key("lethe 2026-11 key: fingerprint", key)[:16], part.key, f"{what}: key id")
    one_shot = derive_key("lethe 2026-11 seal: one-shot key", key + nonce + place)
    same(sealed[:25], (b"\2" if None in values else b"\1") + nonce, f"{what}: suite and nonce")
    same(decrypt(sealed[25:], place, nonce, one_shot), clear, f"{what}: clear text")
    commitment = derive_key("lethe 2026-11 seal: commitment", struct.pack(">I", len(leaves)) + b"".join(leaves))
    same(commitment, part.commitment, f"{what}: commitment")
    return before or values


def sized(name):
    return bytes([len(name)]) + name.encode()


def write_copy(files, out, head):
    """7: the bundles that stand whole in files.txt, as the audit copy that they are."""
    for block in files.split("\n\n"):
        name, _, value = block.strip().partition("\n")
        if name.startswith("tile/"):
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (out / name).write_bytes(bytes.fromhex(value))
    (out / "audit-copy").write_text(f"lethe audit copy 1\n{head}\n")


class Chain(Verifier):
    """The golden log has a record of every kind, which links and no story: what facts say of each other is not checked."""

    def check_facts(self, record, facts):
        pass


def main():
    golden, out = map(Path, sys.argv[1:])
    tables = Tables(DOCUMENT.read_text("utf-8"))
    verifier, kinds, opened, heads, known = Chain(tables), set(), 0, [], {}
    for (position, kind, version), lines, parts in read_blocks((golden / "records.txt").read_text("utf-8")):
        what = f"record {position}, {kind}"
        record = read_whole(lines["record"], lambda reader: read_record(reader, tables.streams))
        same((record.position, record.kind, record.version), (int(position), kind, int(version)), what)
        same((record.facts, len(record.parts)), (lines["facts"], len(parts)), f"{what}: facts, count of parts")
        facts = check_values(tables, record.facts, tables.kinds[kind, record.version][0], f"{what}: facts")
        moved = [known[each["of"]["position"], each["of"]["part"]][1] for each in facts.get("moved", ())]
        for number, fields in enumerate(part_fields(tables, record, facts, len(parts), known)):
            before = moved[number] if moved else None
            known[int(position), number] = fields, check_part(tables, record, number, fields, parts[number], before)
        verifier.take(lines["record"], [1] * len(parts))
        same(verifier.hash, lines["hash"], f"{what}: hash")
        kinds.add((kind, record.version))
        opened += len(parts)
        heads.append(f"{verifier.size}:{verifier.hash.hex()}")
    same(kinds, set(tables.kinds), "the kinds of the golden log, and of the document")
    verifier.finish()
    write_copy((golden / "files.txt").read_text("utf-8"), out, heads[2])
    print(f"{len(heads)} records of {len(kinds)} kinds, {opened} sealed parts opened")


if __name__ == "__main__":
    main()
