//! Legacy .evt files made to order: a header, records in a ring, an end record.
//!
//! Written from the published format ([MS-EVEN] 2.2, libevt's documentation), with nothing of the
//! reader it tests.

/// One record to be written.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) number: u32,
    /// Seconds since 1970.
    pub(crate) time: u32,
    pub(crate) event_id: u32,
    /// 8 audits a success, 16 a failure.
    pub(crate) kind: u16,
    pub(crate) source: &'static str,
    pub(crate) computer: &'static str,
    pub(crate) strings: Vec<String>,
}

/// What the header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Header {
    /// The truth.
    Clean,
    /// What was true when the log was opened: the log was in use when it was copied.
    Dirty,
}

impl Record {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut body = [utf16z(self.source), utf16z(self.computer)].concat();
        let strings_at = 56 + body.len();
        self.strings.iter().for_each(|text| body.extend(utf16z(text)));
        while !body.len().is_multiple_of(4) {
            body.push(0);
        }
        let length = u32::try_from(56 + body.len() + 4).unwrap();
        let mut bytes = Vec::new();
        for word in [length, MARK, self.number, self.time, self.time, self.event_id] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(self.kind.to_le_bytes());
        bytes.extend(u16::try_from(self.strings.len()).unwrap().to_le_bytes());
        bytes.extend([2, 0, 0, 0]);
        let strings_at = u32::try_from(strings_at).unwrap();
        for word in [0, strings_at, 0, 0, 0, 0] {
            bytes.extend(u32::to_le_bytes(word));
        }
        bytes.extend(body);
        bytes.extend(length.to_le_bytes());
        bytes
    }
}

/// A file whose records are in order behind the header; what `residue` is, lies behind the end.
pub(crate) fn evt(records: &[Record], header: Header, residue: &[Record]) -> Vec<u8> {
    let mut file = vec![0; HEADER];
    records.iter().for_each(|record| file.extend(record.bytes()));
    let end = file.len();
    file.extend(end_record(HEADER, end, records));
    residue.iter().for_each(|record| file.extend(record.bytes()));
    fill_header(&mut file, header, (HEADER, end), records);
    file
}

/// A ring whose oldest record begins `begin` bytes behind the header. A record that does not fit
/// goes on in front; where not even its fixed part does, the rest is filled and all of it does.
pub(crate) fn wrapped(records: &[Record], begin: usize, header: Header) -> Vec<u8> {
    let content: usize = records.iter().map(|record| record.bytes().len()).sum();
    let size = content + 40 + 128;
    let mut ring = vec![0; size];
    let mut at = begin % size;
    let mut first = None;
    for record in records {
        if size - at < 56 {
            ring[at..].chunks_exact_mut(4).for_each(|word| word.copy_from_slice(&[0x27, 0, 0, 0]));
            at = 0;
        }
        first.get_or_insert(at);
        for byte in record.bytes() {
            ring[at] = byte;
            at = (at + 1) % size;
        }
    }
    if size - at < 40 {
        at = 0;
    }
    let begin = HEADER + first.unwrap_or(at);
    ring[at..at + 40].copy_from_slice(&end_record(begin, HEADER + at, records));
    let mut file = vec![0; HEADER];
    file.extend(ring);
    fill_header(&mut file, header, (begin, HEADER + at), records);
    file
}

fn end_record(begin: usize, end: usize, records: &[Record]) -> Vec<u8> {
    let (oldest, next) = numbers(records);
    let word = |at: usize| u32::try_from(at).unwrap();
    [
        0x28,
        0x1111_1111,
        0x2222_2222,
        0x3333_3333,
        0x4444_4444,
        word(begin),
        word(end),
        next,
        oldest,
        0x28,
    ]
    .iter()
    .flat_map(|word: &u32| word.to_le_bytes())
    .collect()
}

fn numbers(records: &[Record]) -> (u32, u32) {
    (records.first().map_or(0, |r| r.number), records.last().map_or(1, |r| r.number + 1))
}

fn fill_header(file: &mut [u8], header: Header, (begin, end): (usize, usize), records: &[Record]) {
    let size = u32::try_from(file.len()).unwrap();
    let (oldest, next) = numbers(records);
    let word = |at: usize| u32::try_from(at).unwrap();
    let (begin, end, next, flags) = match header {
        Header::Clean => (word(begin), word(end), next, 0),
        Header::Dirty => (48, 48, 1, 1),
    };
    let words = [0x30, MARK, 1, 1, begin, end, next, oldest, size, flags, 0, 0x30];
    for (at, word) in (0..).step_by(4).zip(words) {
        file[at..at + 4].copy_from_slice(&u32::to_le_bytes(word));
    }
}

fn utf16z(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

const HEADER: usize = 48;
const MARK: u32 = 0x654c_664c;
