//! Real .evtx files made to order: checksums, string and template tables, binary XML.
//!
//! Writes what Windows writes for the events we need: one template a provider for the frame, one
//! a layout for the body, nested in it. Written from the published format ([MS-EVEN6] 2.2.12 and
//! the libevtx documentation), with nothing of the reader it tests.

use std::collections::BTreeMap;

/// One record to be written.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) provider: &'static str,
    pub(crate) channel: &'static str,
    pub(crate) computer: String,
    pub(crate) event_id: u16,
    /// The upper half of a legacy event number, as classic sources have it.
    pub(crate) qualifiers: Option<u16>,
    pub(crate) version: u8,
    pub(crate) task: u16,
    pub(crate) keywords: u64,
    /// FILETIME.
    pub(crate) time: u64,
    pub(crate) record: u64,
    pub(crate) body: Body,
}

/// What is behind the frame.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// `<EventData>` with named values and perhaps a `<Binary>`.
    EventData(Vec<(&'static str, Scalar)>, Option<Vec<u8>>),
    /// `<EventData>` with values that have no name.
    Unnamed(Vec<Scalar>),
    /// `<UserData>` with one element that holds named elements.
    UserData(&'static str, Vec<(&'static str, Scalar)>),
}

/// A typed value.
#[derive(Clone, Debug)]
pub(crate) enum Scalar {
    Null,
    Text(String),
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    Hex64(u64),
    FileTime(u64),
    Guid([u8; 16]),
    Sid(Vec<u8>),
    Binary(Vec<u8>),
}

/// A file with these records; chunks are begun as needed.
pub(crate) fn evtx(events: &[Event]) -> Vec<u8> {
    let mut chunks: Vec<Chunk> = Vec::new();
    for event in events {
        let grown = chunks.last().cloned().and_then(|chunk| chunk.with(event));
        match grown {
            Some(grown) => *chunks.last_mut().unwrap() = grown,
            None => chunks.push(Chunk::new().with(event).expect("a record fits into a chunk")),
        }
    }
    let mut file = file_header(chunks.len(), events.last().map_or(1, |event| event.record + 1));
    chunks.into_iter().for_each(|chunk| file.extend(chunk.finished()));
    file
}

/// The header of a file with so many chunks.
pub(crate) fn file_header(chunks: usize, next_record: u64) -> Vec<u8> {
    let mut header = vec![0; 4096];
    put(&mut header, 0, b"ElfFile\0");
    put(&mut header, 16, &(chunks as u64).saturating_sub(1).to_le_bytes());
    put(&mut header, 24, &next_record.to_le_bytes());
    put(&mut header, 32, &128u32.to_le_bytes());
    put(&mut header, 36, &1u16.to_le_bytes());
    put(&mut header, 38, &3u16.to_le_bytes());
    put(&mut header, 40, &4096u16.to_le_bytes());
    put(&mut header, 42, &u16::try_from(chunks).unwrap().to_le_bytes());
    let checksum = crc32(&[&header[..120]]);
    put(&mut header, 124, &checksum.to_le_bytes());
    header
}

/// A chunk while it grows; offsets of names and templates count from its start.
#[derive(Clone)]
struct Chunk {
    data: Vec<u8>,
    names: BTreeMap<String, u32>,
    name_buckets: [u32; 64],
    templates: BTreeMap<u32, u32>,
    template_buckets: [u32; 32],
    records: Option<(u64, u64)>,
    last_record_at: u32,
}

impl Chunk {
    fn new() -> Self {
        Self {
            data: vec![0; 512],
            names: BTreeMap::new(),
            name_buckets: [0; 64],
            templates: BTreeMap::new(),
            template_buckets: [0; 32],
            records: None,
            last_record_at: 0,
        }
    }

    /// The chunk with a further record; `None` where it does not fit.
    fn with(mut self, event: &Event) -> Option<Self> {
        let start = self.data.len();
        self.last_record_at = self.here();
        self.records = Some((self.records.map_or(event.record, |r| r.0), event.record));
        self.data.extend(b"\x2a\x2a\0\0\0\0\0\0");
        self.data.extend(event.record.to_le_bytes());
        self.data.extend(event.time.to_le_bytes());
        let body = body_instance(&event.body);
        let frame = frame_instance(event, body);
        self.instance(&frame);
        while !(self.data.len() - start + 4).is_multiple_of(8) {
            self.data.push(0);
        }
        let size = u32::try_from(self.data.len() - start + 4).unwrap();
        self.data.extend(size.to_le_bytes());
        put(&mut self.data, start + 4, &size.to_le_bytes());
        (self.data.len() <= 65_536).then_some(self)
    }

    fn finished(mut self) -> Vec<u8> {
        let (first, last) = self.records.unwrap_or((1, 0));
        let free = self.here();
        let (last_record_at, names, templates) =
            (self.last_record_at, self.name_buckets, self.template_buckets);
        let data_checksum = crc32(&[&self.data[512..]]);
        self.data.resize(65_536, 0);
        let data = &mut self.data;
        put(data, 0, b"ElfChnk\0");
        for (at, number) in [(8, first), (16, last), (24, first), (32, last)] {
            put(data, at, &number.to_le_bytes());
        }
        for (at, number) in [(40, 128), (44, last_record_at), (48, free), (52, data_checksum)] {
            put(data, at, &number.to_le_bytes());
        }
        let tables = names.iter().chain(&templates).zip((128..).step_by(4));
        tables.for_each(|(offset, at)| put(data, at, &offset.to_le_bytes()));
        let checksum = crc32(&[&data[..120], &data[128..512]]);
        put(data, 124, &checksum.to_le_bytes());
        self.data
    }

    fn here(&self) -> u32 {
        u32::try_from(self.data.len()).unwrap()
    }

    /// A fragment that is one template instance; the template is defined where it is first used.
    fn instance(&mut self, instance: &Instance) {
        self.data.extend(FRAGMENT);
        self.data.extend([0x0c, 1]);
        self.data.extend(instance.template.to_le_bytes());
        let known = self.templates.get(&instance.template).copied();
        let definition = known.unwrap_or_else(|| self.here() + 4);
        self.data.extend(definition.to_le_bytes());
        if known.is_none() {
            self.definition(instance.template, &instance.root);
        }
        self.data.extend(u32::try_from(instance.values.len()).unwrap().to_le_bytes());
        let descriptors = self.data.len();
        self.data.extend(vec![0; 4 * instance.values.len()]);
        for (at, value) in (descriptors..).step_by(4).zip(&instance.values) {
            let start = self.data.len();
            match value {
                Value::Scalar(scalar) => self.data.extend(scalar.bytes()),
                Value::Nested(nested) => self.instance(nested),
            }
            let size = u16::try_from(self.data.len() - start).unwrap();
            put(&mut self.data, at, &size.to_le_bytes());
            put(&mut self.data, at + 2, &[value.kind()]);
        }
        self.data.push(END_OF_FRAGMENT);
    }

    fn definition(&mut self, template: u32, root: &Element) {
        let at = self.here();
        self.templates.insert(template, at);
        let bucket = &mut self.template_buckets[template as usize % 32];
        let next = std::mem::replace(bucket, at);
        self.data.extend(next.to_le_bytes());
        let mut guid = [0x5a; 16];
        guid[..4].copy_from_slice(&template.to_le_bytes());
        self.data.extend(guid);
        let size_at = self.reserve_size();
        self.data.extend(FRAGMENT);
        self.element(root);
        self.data.push(END_OF_FRAGMENT);
        self.fill_size(size_at);
    }

    fn element(&mut self, element: &Element) {
        self.data.push(if element.attributes.is_empty() { 0x01 } else { 0x41 });
        self.data.extend(0xffff_u16.to_le_bytes());
        let size_at = self.reserve_size();
        self.name(element.name);
        if !element.attributes.is_empty() {
            let list_at = self.reserve_size();
            let last = element.attributes.len() - 1;
            for (place, (name, content)) in element.attributes.iter().enumerate() {
                self.data.push(if place == last { 0x06 } else { 0x46 });
                self.name(name);
                self.content(content);
            }
            self.fill_size(list_at);
        }
        if element.content.is_empty() {
            self.data.push(0x03);
        } else {
            self.data.push(0x02);
            element.content.iter().for_each(|content| self.content(content));
            self.data.push(0x04);
        }
        self.fill_size(size_at);
    }

    fn content(&mut self, content: &Content) {
        match content {
            Content::Element(element) => self.element(element),
            Content::Text(text) => {
                self.data.extend([0x05, 0x01]);
                self.data.extend(u16::try_from(text.encode_utf16().count()).unwrap().to_le_bytes());
                self.data.extend(utf16(text));
            }
            Content::Substitution(index, kind) => {
                self.data.push(0x0e);
                self.data.extend(index.to_le_bytes());
                self.data.push(*kind);
            }
        }
    }

    /// A reference to a name, which is behind its first use.
    fn name(&mut self, name: &str) {
        let known = self.names.get(name).copied();
        let at = known.unwrap_or_else(|| self.here() + 4);
        self.data.extend(at.to_le_bytes());
        if known.is_some() {
            return;
        }
        self.names.insert(name.to_owned(), at);
        let step = |hash: u32, unit: u16| hash.wrapping_mul(65_599).wrapping_add(u32::from(unit));
        let [low, high, ..] = name.encode_utf16().fold(0, step).to_le_bytes();
        let hash = u16::from_le_bytes([low, high]);
        let next = std::mem::replace(&mut self.name_buckets[usize::from(hash) % 64], at);
        self.data.extend(next.to_le_bytes());
        self.data.extend(hash.to_le_bytes());
        self.data.extend(u16::try_from(name.encode_utf16().count()).unwrap().to_le_bytes());
        self.data.extend(utf16(name));
        self.data.extend([0, 0]);
    }

    fn reserve_size(&mut self) -> usize {
        let at = self.data.len();
        self.data.extend([0; 4]);
        at
    }

    /// A size counts what is behind it.
    fn fill_size(&mut self, at: usize) {
        let size = u32::try_from(self.data.len() - at - 4).unwrap();
        put(&mut self.data, at, &size.to_le_bytes());
    }
}

struct Instance {
    template: u32,
    root: Element,
    values: Vec<Value>,
}

enum Value {
    Scalar(Scalar),
    Nested(Box<Instance>),
}

impl Value {
    fn kind(&self) -> u8 {
        match self {
            Self::Scalar(scalar) => scalar.kind(),
            Self::Nested(_) => BINARY_XML,
        }
    }
}

struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, Content)>,
    content: Vec<Content>,
}

enum Content {
    Element(Element),
    Text(String),
    Substitution(u16, u8),
}

fn element(
    name: &'static str,
    attributes: Vec<(&'static str, Content)>,
    content: Vec<Content>,
) -> Content {
    Content::Element(Element { name, attributes, content })
}

fn text(text: &str) -> Content {
    Content::Text(text.to_owned())
}

/// The frame that every record has, its values in the places where Windows puts them.
fn frame_instance(event: &Event, body: Instance) -> Instance {
    let holds = Content::Substitution;
    let leaf = |name, place, kind| element(name, vec![], vec![Content::Substitution(place, kind)]);
    let qualifiers = vec![("Qualifiers", holds(4, 0x06))];
    let mut execution = vec![("ProcessID", holds(8, 0x08))];
    execution.push(("ThreadID", holds(9, 0x08)));
    let system = vec![
        element("Provider", vec![("Name", text(event.provider))], vec![]),
        element("EventID", qualifiers, vec![holds(3, 0x06)]),
        leaf("Version", 11, 0x04),
        leaf("Level", 0, 0x04),
        leaf("Task", 2, 0x06),
        leaf("Opcode", 1, 0x04),
        leaf("Keywords", 5, 0x15),
        element("TimeCreated", vec![("SystemTime", holds(6, 0x11))], vec![]),
        leaf("EventRecordID", 10, 0x0a),
        element("Correlation", vec![("ActivityID", holds(7, 0x0f))], vec![]),
        element("Execution", execution, vec![]),
        leaf("Channel", 13, 0x01),
        leaf("Computer", 14, 0x01),
        element("Security", vec![("UserID", holds(12, 0x13))], vec![]),
    ];
    let content = vec![element("System", vec![], system), holds(15, BINARY_XML)];
    let root = Element { name: "Event", attributes: vec![("xmlns", text(NAMESPACE))], content };
    let scalars = vec![
        Scalar::U8(0),
        Scalar::U8(0),
        Scalar::U16(event.task),
        Scalar::U16(event.event_id),
        event.qualifiers.map_or(Scalar::Null, Scalar::U16),
        Scalar::Hex64(event.keywords),
        Scalar::FileTime(event.time),
        Scalar::Null,
        Scalar::U32(624),
        Scalar::U32(680),
        Scalar::U64(event.record),
        Scalar::U8(event.version),
        Scalar::Null,
        Scalar::Text(event.channel.to_owned()),
        Scalar::Text(event.computer.clone()),
    ];
    let mut values: Vec<Value> = scalars.into_iter().map(Value::Scalar).collect();
    values.push(Value::Nested(Box::new(body)));
    Instance { template: template_number(&["frame", event.provider]), root, values }
}

fn body_instance(body: &Body) -> Instance {
    match body {
        Body::EventData(fields, binary) => {
            let mut values: Vec<Scalar> = fields.iter().map(|field| field.1.clone()).collect();
            let named = fields.iter().map(|field| vec![("Name", text(field.0))]);
            let mut content: Vec<Content> = named
                .zip(&values)
                .zip(0..)
                .map(|((name, value), place)| {
                    element("Data", name, vec![Content::Substitution(place, value.kind())])
                })
                .collect();
            if let Some(binary) = binary {
                let place = u16::try_from(values.len()).unwrap();
                content.push(element("Binary", vec![], vec![Content::Substitution(place, 0x0e)]));
                values.push(Scalar::Binary(binary.clone()));
            }
            let mut layout: Vec<&str> = fields.iter().map(|field| field.0).collect();
            layout.push(if binary.is_some() { "binary" } else { "EventData" });
            instance(&layout, "EventData", content, values)
        }
        Body::Unnamed(values) => {
            let content = leaves(values.iter().map(|value| ("Data", value)));
            instance(&vec!["unnamed"; values.len() + 1], "EventData", content, values.clone())
        }
        Body::UserData(name, fields) => {
            let leaves = leaves(fields.iter().map(|field| (field.0, &field.1)));
            let values = fields.iter().map(|field| field.1.clone()).collect();
            let xmlns = vec![("xmlns", text("http://example.invalid/user-data"))];
            instance(&["user", name], "UserData", vec![element(name, xmlns, leaves)], values)
        }
    }
}

fn leaves<'v>(fields: impl Iterator<Item = (&'static str, &'v Scalar)>) -> Vec<Content> {
    let leaf = |((name, value), place): ((_, &Scalar), u16)| {
        element(name, vec![], vec![Content::Substitution(place, value.kind())])
    };
    fields.zip(0..).map(leaf).collect()
}

/// Layouts that differ in a type only must not share a template, so types belong to the number.
fn instance(
    layout: &[&str],
    name: &'static str,
    content: Vec<Content>,
    values: Vec<Scalar>,
) -> Instance {
    let kinds: String = values.iter().map(|value| char::from(value.kind() + b' ')).collect();
    let template = template_number(&[&layout.join("\n"), &kinds]);
    let root = Element { name, attributes: vec![], content };
    Instance { template, root, values: values.into_iter().map(Value::Scalar).collect() }
}

fn template_number(parts: &[&str]) -> u32 {
    crc32(&[parts.join("\0").as_bytes()])
}

impl Scalar {
    /// The type's number in binary XML.
    fn kind(&self) -> u8 {
        match self {
            Self::Null => 0x00,
            Self::Text(_) => 0x01,
            Self::U8(_) => 0x04,
            Self::U16(_) => 0x06,
            Self::U32(_) => 0x08,
            Self::U64(_) => 0x0a,
            Self::Binary(_) => 0x0e,
            Self::Guid(_) => 0x0f,
            Self::FileTime(_) => 0x11,
            Self::Sid(_) => 0x13,
            Self::Hex64(_) => 0x15,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Null => Vec::new(),
            Self::Text(text) => utf16(text),
            Self::U8(number) => vec![*number],
            Self::U16(number) => number.to_le_bytes().to_vec(),
            Self::U32(number) => number.to_le_bytes().to_vec(),
            Self::U64(number) | Self::Hex64(number) | Self::FileTime(number) => {
                number.to_le_bytes().to_vec()
            }
            Self::Guid(guid) => guid.to_vec(),
            Self::Sid(bytes) | Self::Binary(bytes) => bytes.clone(),
        }
    }
}

/// UTF-16LE without a NUL.
pub(crate) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn put(data: &mut [u8], at: usize, bytes: &[u8]) {
    data[at..at + bytes.len()].copy_from_slice(bytes);
}

/// CRC-32 as in Ethernet and ZIP, over several pieces.
fn crc32(pieces: &[&[u8]]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 }
        })
    };
    !pieces.iter().flat_map(|piece| piece.iter()).fold(u32::MAX, step)
}

const FRAGMENT: [u8; 4] = [0x0f, 1, 1, 0];
const END_OF_FRAGMENT: u8 = 0;
const BINARY_XML: u8 = 0x21;
const NAMESPACE: &str = "http://schemas.microsoft.com/win/2004/08/events/event";
