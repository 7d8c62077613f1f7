//! Network Monitor and snoop files made to order (Microsoft "Capture File Format"; RFC 1761).

/// A record of a Network Monitor file.
pub(crate) struct Record {
    /// Microseconds since the start (milliseconds in version 1).
    pub(crate) delta: u64,
    /// Its link layer, where records show it.
    pub(crate) medium: u16,
    /// A FILETIME, where records show it.
    pub(crate) filetime: u64,
    pub(crate) data: Vec<u8>,
}

impl Record {
    /// An Ethernet frame.
    pub(crate) fn of(delta: u64, data: &[u8]) -> Self {
        Self { delta, medium: 1, filetime: 0, data: data.to_vec() }
    }
}

/// A file of a version that starts at 2001-02-03 04:05:06.007 and puts its records in the given
/// order of the table; the table is at the end.
pub(crate) fn netmon(version: (u8, u8), records: &[Record], order: &[usize]) -> Vec<u8> {
    let mut file = if version.0 == 1 { b"RTSS".to_vec() } else { b"GMBU".to_vec() };
    file.extend([version.1, version.0, 1, 0]);
    // Year, month, day of the week, day, hour, minute, second, millisecond.
    for field in [2001u16, 2, 6, 3, 4, 5, 6, 7] {
        file.extend(field.to_le_bytes());
    }
    file.resize(72, 0);
    let mut places = Vec::new();
    for record in records {
        places.push(u32::try_from(file.len()).unwrap());
        let length = u32::try_from(record.data.len()).unwrap();
        if version.0 == 1 {
            file.extend(u32::try_from(record.delta).unwrap().to_le_bytes());
            file.extend([u16::try_from(length).unwrap().to_le_bytes(); 2].concat());
        } else {
            file.extend(record.delta.to_le_bytes());
            file.extend([length.to_le_bytes(); 2].concat());
        }
        file.extend(&record.data);
        if version >= (2, 1) {
            file.extend(record.medium.to_le_bytes());
        }
        if version >= (2, 2) {
            file.extend([0xff; 4]);
        }
        if version >= (2, 3) {
            file.extend(record.filetime.to_le_bytes());
            file.push(0);
        }
    }
    let table = u32::try_from(file.len()).unwrap();
    order.iter().for_each(|at| file.extend(places[*at].to_le_bytes()));
    let length = u32::try_from(order.len() * 4).unwrap();
    file[24..28].copy_from_slice(&table.to_le_bytes());
    file[28..32].copy_from_slice(&length.to_le_bytes());
    file
}

/// A snoop file of Ethernet frames: seconds, microseconds, lost so far, bytes.
pub(crate) fn snoop(frames: &[(u32, u32, u32, &[u8])]) -> Vec<u8> {
    let mut file = b"snoop\0\0\0".to_vec();
    file.extend([2u32.to_be_bytes(), 4u32.to_be_bytes()].concat());
    for (seconds, microseconds, lost, data) in frames {
        let length = u32::try_from(data.len()).unwrap();
        let record = (length + 24).next_multiple_of(4);
        for word in [length, length, record, *lost, *seconds, *microseconds] {
            file.extend(word.to_be_bytes());
        }
        file.extend(*data);
        file.resize(file.len().next_multiple_of(4), 0);
    }
    file
}
