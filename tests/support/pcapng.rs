//! pcap and pcapng made to order, in both byte orders (draft-ietf-opsawg-pcapng; libpcap's savefile).

/// The order of a file's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

impl Order {
    pub(crate) const BOTH: [Self; 2] = [Self::Little, Self::Big];

    pub(crate) fn u16(self, value: u16) -> [u8; 2] {
        if self == Self::Big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    pub(crate) fn u32(self, value: u32) -> [u8; 4] {
        if self == Self::Big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    pub(crate) fn u64(self, value: u64) -> [u8; 8] {
        if self == Self::Big { value.to_be_bytes() } else { value.to_le_bytes() }
    }
}

/// A pcap file of Ethernet frames with seconds and a fraction.
pub(crate) fn pcap(order: Order, magic: u32, frames: &[(u32, u32, &[u8])]) -> Vec<u8> {
    let mut file = order.u32(magic).to_vec();
    file.extend([order.u16(2), order.u16(4)].concat());
    for word in [0, 0, 65_535, 1] {
        file.extend(order.u32(word));
    }
    for (seconds, fraction, frame) in frames {
        let length = u32::try_from(frame.len()).unwrap();
        for word in [*seconds, *fraction, length, length] {
            file.extend(order.u32(word));
        }
        file.extend(*frame);
    }
    file
}

/// A pcapng block.
pub(crate) fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let length = order.u32(u32::try_from(body.len() + 12).unwrap());
    [&order.u32(kind)[..], &length, &body, &length].concat()
}

/// A section header of unknown length.
pub(crate) fn section(order: Order) -> Vec<u8> {
    section_with(order, &[])
}

/// The same with options of (code, value).
pub(crate) fn section_with(order: Order, options: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut body = order.u32(0x1a2b_3c4d).to_vec();
    body.extend([order.u16(1), order.u16(0)].concat());
    body.extend(order.u64(u64::MAX));
    body.extend(options_of(order, options));
    block(order, 0x0a0d_0d0a, &body)
}

/// An interface of Ethernet with options of (code, value).
pub(crate) fn interface(order: Order, snaplen: u32, options: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut body = [order.u16(1), order.u16(0)].concat();
    body.extend(order.u32(snaplen));
    body.extend(options_of(order, options));
    block(order, 1, &body)
}

/// An enhanced packet block.
pub(crate) fn packet(order: Order, interface: u32, ticks: u64, frame: &[u8]) -> Vec<u8> {
    packet_with(order, interface, ticks, frame, &[])
}

/// The same with options of (code, value).
pub(crate) fn packet_with(
    order: Order,
    interface: u32,
    ticks: u64,
    frame: &[u8],
    options: &[(u16, Vec<u8>)],
) -> Vec<u8> {
    let length = u32::try_from(frame.len()).unwrap();
    let [high, low] = [ticks >> 32, ticks & 0xffff_ffff].map(|half| u32::try_from(half).unwrap());
    let words = [interface, high, low, length, length];
    let mut body: Vec<u8> = words.iter().flat_map(|word| order.u32(*word)).collect();
    body.extend(frame);
    body.resize(body.len().next_multiple_of(4), 0);
    body.extend(options_of(order, options));
    block(order, 6, &body)
}

/// Interface statistics with what the interface and the system dropped.
pub(crate) fn statistics(order: Order, dropped: u64, by_system: u64) -> Vec<u8> {
    let mut body: Vec<u8> = [0, 0, 0].iter().flat_map(|word| order.u32(*word)).collect();
    let options = [(5, order.u64(dropped).to_vec()), (7, order.u64(by_system).to_vec())];
    body.extend(options_of(order, &options));
    block(order, 5, &body)
}

fn options_of(order: Order, options: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (code, value) in options {
        bytes.extend(order.u16(*code));
        bytes.extend(order.u16(u16::try_from(value.len()).unwrap()));
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    if !options.is_empty() {
        bytes.extend([0; 4]);
    }
    bytes
}
