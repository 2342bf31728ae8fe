//! Every limit on what may be recorded. They hold for new values only: what the log holds already is never measured again.

/// Characters in one line of text.
pub const LINE_CHARS: usize = 200;
/// Bytes in a text of many lines, as UTF-8.
pub const TEXT_BYTES: usize = 16 * 1024;
/// Characters in a tag.
pub const TAG_CHARS: usize = 64;
/// Characters in a handle.
pub const HANDLE_CHARS: usize = 100;
/// Characters in the address of a web page.
pub const WEBSITE_CHARS: usize = 500;
/// Bytes of a mail address (RFC 5321, 4.5.3.1.3, without the angle brackets).
pub const MAIL_BYTES: usize = 254;
/// Bytes of a mail address before the @ (RFC 5321, 4.5.3.1.1).
pub const MAIL_LOCAL_BYTES: usize = 64;
/// Bytes of a mail address behind the @ (RFC 5321, 4.5.3.1.2).
pub const MAIL_DOMAIN_BYTES: usize = 255;
/// Bytes of one label of a domain (RFC 1035, 2.3.4).
pub const MAIL_LABEL_BYTES: usize = 63;
/// Characters of a phone number as written.
pub const PHONE_CHARS: usize = 40;
/// Digits of a phone number as written, an extension included.
pub const PHONE_DIGITS: usize = 20;
/// Characters of a language tag (RFC 5646, 4.4.1).
pub const LANGUAGE_CHARS: usize = 35;

/// Lines of an address.
pub const ADDRESS_LINES: usize = 6;
/// Tags of one contact or organization.
pub const TAGS: usize = 50;
/// Social links of one contact or organization.
pub const SOCIAL_LINKS: usize = 20;
/// Pertinent dates of one contact.
pub const DATES: usize = 20;
/// Points of one contact or organization that are not retired.
pub const POINTS: usize = 32;
/// Points one contact or organization may ever have.
pub const POINTS_EVER: usize = 1_000;
/// Names or addresses an organization's profile may list.
pub const FORMER: usize = 50;
/// Bytes of the personal values of one sealed part. The sealed part itself may hold 60,000; the rest is for lengths and ids.
pub const PART_BYTES: usize = 48_000;

/// Bytes of one document: it is one sealed part, with its name and type.
pub const DOCUMENT_BYTES: usize = 48_000;
/// Documents that are held of one subject at a time: each has a key of its own, and one record fences them all, or keeps them.
pub const DOCUMENTS: usize = 200;
/// Messages and notes of one ticket.
pub const MESSAGES: usize = 10_000;
/// Days after it was closed that a ticket may be reopened.
pub const REOPEN_DAYS: i32 = 30;
/// Lines of a quote.
pub const QUOTE_LINES: usize = 200;
/// Versions of a quote.
pub const QUOTE_VERSIONS: u32 = 1_000;
/// Thousandths of the largest quantity on one line of a quote: a thousand million pieces.
pub const QUANTITY_MILLI: u64 = 1_000_000_000_000;

/// Characters in the name of a purpose.
pub const SLUG_CHARS: usize = 64;
/// Characters in the name of a region.
pub const REGION_CHARS: usize = 32;
/// Months of a validity or a retention.
pub const MONTHS: u16 = 1_200;
/// Days a confirmation code counts, unless told otherwise.
pub const CODE_DAYS: u16 = 14;
/// Days a confirmation code may count.
pub const CODE_DAYS_MOST: u16 = 90;
/// Requests for consent of one person that may wait for their code at a time.
pub const OPEN_REQUESTS: usize = 20;
/// People who may be erased with their organization in one request.
pub const PEOPLE: usize = 200;
/// Bytes that the fingerprints and parts of one fence may take in its record, which holds 65,535.
pub const FENCE_BYTES: usize = 48_000;
/// Keys that stay behind one fence: it has a sealed part under each, and a record has no more parts.
pub const FENCE_PARTS: usize = 255;
/// Compartments that one legal hold may name.
pub const HOLD_COMPARTMENTS: usize = 100;
/// Residues of an erasure that one record names.
pub const RESIDUES: usize = 500;
/// Residues that one erasure may ever have.
pub const RESIDUES_EVER: usize = 5_000;
/// Days that backups or images of memory may be kept, by the register.
pub const RESIDUE_DAYS: u16 = 3_650;
/// Months an address is suppressed, unless told otherwise: as long as claims are brought (§ 195 BGB).
pub const SUPPRESSION_MONTHS: u32 = 36;
/// Months an address may be suppressed.
pub const SUPPRESSION_MONTHS_MOST: u32 = 120;
/// Days something stays in the recycle bin, unless told otherwise.
pub const BIN_DAYS: i32 = 30;
/// Days behind the delivery of a certificate, or the end of its erasure without one, that its address is kept.
pub const DELIVERED_DAYS: u16 = 30;
/// Days behind the last word about it that an address is kept to which nothing was delivered.
pub const UNDELIVERED_DAYS: u16 = 180;
/// Days a token counts, unless told otherwise.
pub const TOKEN_DAYS: u16 = 90;
/// Days a token may count.
pub const TOKEN_DAYS_MOST: u16 = 366;
/// Tokens of one actor that may count at a time.
pub const LIVE_TOKENS: usize = 20;
