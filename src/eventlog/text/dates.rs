//! Dates and times of day as Windows displays them, in the formats of many countries.
//!
//! Whether day or month comes first is decided for a whole file ([`FileDates`]), by all of its dates together.
//! An unknown mark after the time makes the hour unknown, never wrong.

use crate::time::{Span, Timestamp, offset_seconds};

/// A point in time as it was displayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// The three numbers of the date as written.
    date: [u16; 3],
    time: (i8, i8, i8),
    has_seconds: bool,
    nanos: i32,
    /// How many seconds the clock was ahead of UTC, where the text says so.
    offset: Option<i32>,
    shown: Shown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    YearFirst,
    /// 23.11.2026
    Dotted,
    /// With a slash or dash; and whether the time names the half of the day.
    Other {
        has_half: bool,
    },
}

/// Whether day or month comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    DayFirst,
    MonthFirst,
}

/// Why a text gives no point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoTime {
    /// It does not have the numbers of a date and a time, or the calendar has no such day.
    NoDate,
    /// Words beside the time are in no table, so the hour may lie in either half of the day.
    UnknownMark,
    /// The year is of a calendar that is not converted (Persian, Hijri).
    OtherCalendar,
}

impl Stamp {
    /// Parses the date and time in a text.
    ///
    /// # Errors
    ///
    /// Where it holds other numbers than these, or an unknown mark.
    pub(super) fn parse(text: &str) -> Result<Self, NoTime> {
        if text.len() > LONGEST {
            return Err(NoTime::NoDate);
        }
        let text: String = text.chars().map(latin_digit).collect();
        let (text, offset) = without_utc(without_offset(text.trim()));
        let (text, nanos) = without_fraction(text);
        let mut groups =
            text.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty());
        // A year of four digits before 1000 is no time: 0001 is how .NET shows that there is none.
        let is_number = |number: &u16, group: &str| group.len() <= 2 || *number >= 1000;
        let mut next = || {
            let group = groups.next()?;
            group.parse::<u16>().ok().filter(|number| is_number(number, group))
        };
        let mut number = || next().ok_or(NoTime::NoDate);
        let date = [number()?, number()?, number()?];
        let (hour, minute) = (number()?, number()?);
        let second = next();
        let (has_seconds, second) = (second.is_some(), second.unwrap_or(0));
        if groups.next().is_some() {
            return Err(NoTime::NoDate);
        }
        // A word before the date is a weekday, which in some languages looks like the mark of the morning in
        // another; a word between its numbers is a month, and the numbers have another meaning.
        match date[1] {
            ..=31 => {}
            32..100 => return Err(NoTime::NoDate),
            100.. => return Err(NoTime::UnknownMark),
        }
        if date[0] < 100 && has_era(text) {
            return Err(NoTime::OtherCalendar);
        }
        let half = Half::parse(text.trim_start_matches(|c: char| !c.is_ascii_digit()));
        let hour = match (half, hour) {
            (Half::Unknown, _) => return Err(NoTime::UnknownMark),
            (Half::Morning, 12) => 0,
            (Half::Afternoon, 1..=11) => hour + 12,
            _ => hour,
        };
        let small = |number: u16| i8::try_from(number).map_err(|_| NoTime::NoDate);
        let first_gap = text.trim_start().trim_start_matches(|c: char| c.is_ascii_digit());
        let shown = match date {
            [(1000..), ..] => Shown::YearFirst,
            _ if first_gap.starts_with('.') => Shown::Dotted,
            _ => Shown::Other { has_half: matches!(half, Half::Morning | Half::Afternoon) },
        };
        let time = (small(hour)?, small(minute)?, small(second)?);
        Ok(Self { date, time, has_seconds, nanos, offset, shown })
    }

    /// The fraction of a second, in nanoseconds.
    pub(super) fn fraction(self) -> i64 {
        self.nanos.into()
    }

    /// Whether the text names the offset of its clock.
    pub(super) const fn has_offset(self) -> bool {
        self.offset.is_some()
    }

    /// Whether its year, of two digits, could also come first: 26/11/23.
    fn year_may_lead(self) -> bool {
        let [first, _, last] = self.date;
        matches!(self.shown, Shown::Other { has_half: false }) && first <= 99 && last <= 31
    }

    /// What this stamp alone proves of the order; `None` where both are possible.
    fn proof(self) -> Option<Order> {
        match (self.shown, self.date) {
            (Shown::YearFirst, _) => None,
            (Shown::Dotted, _) | (Shown::Other { .. }, [(13..), ..]) => Some(Order::DayFirst),
            (Shown::Other { .. }, [_, (13..), _]) => Some(Order::MonthFirst),
            (Shown::Other { .. }, _) => None,
        }
    }

    /// Whether its day and month could be swapped.
    fn is_ambiguous(self) -> bool {
        self.shown != Shown::YearFirst && self.proof().is_none() && self.date[0] != self.date[1]
    }

    /// The likely order where nothing proves one: the month comes first in a 12-hour format.
    const fn likely(self) -> Order {
        match self.shown {
            Shown::Other { has_half: true } => Order::MonthFirst,
            Shown::Other { has_half: false } | Shown::YearFirst | Shown::Dotted => Order::DayFirst,
        }
    }

    /// The point in time, in UTC where the text names no offset; `order` decides where the stamp itself does
    /// not.
    ///
    /// # Errors
    ///
    /// Where the calendar has no such day, or is not converted.
    pub(super) fn time(self, order: Order) -> Result<Timestamp, NoTime> {
        let [a, b, c] = self.date;
        let (year, month, day) = match (self.shown, self.proof().unwrap_or(order)) {
            (Shown::YearFirst, _) => (a, b, c),
            (_, Order::DayFirst) => (c, b, a),
            (_, Order::MonthFirst) => (c, a, b),
        };
        let year = match year {
            0..100 => year + 2000,
            THAI.. => year - BUDDHIST_ERA,
            // Persian 1379 to 1479 and Hijri 1421 to 1523 are the years 2000 to 2100.
            1300..1600 => return Err(NoTime::OtherCalendar),
            _ => year,
        };
        let small = |number: u16| i8::try_from(number).map_err(|_| NoTime::NoDate);
        let year = i16::try_from(year).map_err(|_| NoTime::NoDate)?;
        let date = (year, small(month)?, small(day)?);
        let shown = Timestamp::from_utc(date, self.time, self.nanos).ok_or(NoTime::NoDate)?;
        let ahead = Span::from_seconds(self.offset.unwrap_or(0).into());
        Ok(shown.shifted(ahead.negated()))
    }
}

/// The text without an offset from UTC at its end (` +01:00`, `+0100`, ` +01`), and the offset in seconds.
fn without_offset(text: &str) -> (&str, Option<i32>) {
    let sign = text.rfind(['+', '-', '\u{2212}']);
    let parted = sign.and_then(|at| text.split_at_checked(at));
    // A sign before the time of day belongs to the date.
    let Some((rest, end)) = parted.filter(|(rest, _)| rest.contains(':')) else {
        return (text, None);
    };
    match offset_seconds(end) {
        Some(offset) => (rest.trim_end(), Some(offset)),
        None => (text, None),
    }
}

/// The text without the name of UTC at its end, and its offset: another one where that follows the name.
fn without_utc((text, offset): (&str, Option<i32>)) -> (&str, Option<i32>) {
    let name = text.len().checked_sub(3).and_then(|at| text.split_at_checked(at));
    let is_utc = |name: &str| name.eq_ignore_ascii_case("UTC") || name.eq_ignore_ascii_case("GMT");
    match name.filter(|(_, name)| is_utc(name)) {
        Some((rest, _)) => (rest.trim_end(), offset.or(Some(0))),
        None => (text, offset),
    }
}

/// Whether letters stand directly before the first number: a year of an era (令和8, R8).
fn has_era(text: &str) -> bool {
    let before = text.split(|c: char| c.is_ascii_digit()).next().unwrap_or_default();
    before.chars().next_back().is_some_and(char::is_alphabetic)
}

/// The text without the fraction of a second at its end, and that in nanoseconds.
fn without_fraction(text: &str) -> (&str, i32) {
    let digits = text.bytes().rev().take_while(u8::is_ascii_digit).count();
    let parted = text.len().checked_sub(digits + 1).and_then(|at| text.split_at_checked(at));
    let Some((rest, fraction)) = parted.filter(|_| (1..=9).contains(&digits)) else {
        return (text, 0);
    };
    // Only behind seconds is it a fraction: `8.04.14` has none.
    let has_seconds = rest.bytes().filter(|byte| *byte == b':').count() >= 2;
    let fraction = fraction.strip_prefix(['.', ',']).filter(|_| has_seconds);
    match fraction.and_then(|digits| format!("{digits:0<9}").parse().ok()) {
        Some(nanos) => (rest, nanos),
        None => (text, 0),
    }
}

/// The evidence of all dates of a file together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FileDates {
    /// The first one without dots.
    first: Option<Stamp>,
    day_first: bool,
    month_first: bool,
    is_ambiguous: bool,
    /// There are years of two digits, and none shows that it does not come first.
    year_may_lead: bool,
    year_is_last: bool,
    has_seconds: bool,
    is_any: bool,
}

impl FileDates {
    pub(super) fn add(&mut self, stamp: Stamp) {
        if stamp.shown != Shown::Dotted {
            self.first.get_or_insert(stamp);
        }
        self.is_any = true;
        self.has_seconds |= stamp.has_seconds;
        self.year_may_lead |= stamp.year_may_lead();
        self.year_is_last |= matches!(stamp.shown, Shown::Other { .. }) && !stamp.year_may_lead();
        match stamp.proof() {
            // Dots decide nothing for dates with slashes in the same file.
            Some(Order::DayFirst) if stamp.shown == Shown::Dotted => {}
            Some(Order::DayFirst) => self.day_first = true,
            Some(Order::MonthFirst) => self.month_first = true,
            None => self.is_ambiguous |= stamp.is_ambiguous(),
        }
    }

    /// The order of the file's dates.
    pub(super) fn order(&self) -> Order {
        match (self.day_first, self.month_first) {
            (true, false) => Order::DayFirst,
            (false, true) => Order::MonthFirst,
            (true, true) | (false, false) => self.first.map_or(Order::DayFirst, Stamp::likely),
        }
    }

    /// Whether ambiguous dates were read in an order that no date proves, or that one proves and another
    /// disproves.
    pub(super) const fn is_undecided(&self) -> bool {
        self.is_ambiguous && self.day_first == self.month_first
    }

    /// Whether there are times, and none has seconds.
    pub(super) const fn have_no_seconds(&self) -> bool {
        self.is_any && !self.has_seconds
    }

    /// Whether years of two digits were read as the last number although they may be the first.
    pub(super) const fn is_year_undecided(&self) -> bool {
        self.year_may_lead && !self.year_is_last
    }
}

/// The half of the day that a time lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    /// The day has 24 hours.
    None,
    Morning,
    Afternoon,
    Unknown,
}

impl Half {
    /// By the words beside the numbers.
    fn parse(text: &str) -> Self {
        let is_letter = |c: char| !c.is_ascii() && !c.is_whitespace() || c.is_ascii_alphabetic();
        let ignored = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202f}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{a0}');
        let of_date = |c: char| "年月日時时分秒년월일시분초".contains(c);
        let letters = text.chars().filter(|c| is_letter(*c) && !ignored(*c) && !of_date(*c));
        let word: String = letters.flat_map(char::to_lowercase).collect();
        match word.as_str() {
            word if NO_MARK.contains(&word) => Self::None,
            word if MORNING.contains(&word) => Self::Morning,
            word if AFTERNOON.contains(&word) => Self::Afternoon,
            _ => Self::Unknown,
        }
    }
}

/// Converts digits of other scripts to ASCII: blocks of ten in the order 0 to 9 (Unicode 16, general category
/// Nd).
fn latin_digit(c: char) -> char {
    let zero = ZEROS.iter().copied().find(|zero| (*zero..*zero + 10).contains(&u32::from(c)));
    zero.and_then(|zero| char::from_digit(u32::from(c) - zero, 10)).unwrap_or(c)
}

/// Arabic-Indic, extended Arabic-Indic, Devanagari, Bengali, Gurmukhi, Gujarati, Odia, Tamil, Telugu,
/// Kannada, Malayalam, Thai, Lao, Tibetan, Khmer, full-width.
const ZEROS: &[u32] = &[
    0x660, 0x6f0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xed0,
    0xf20, 0x17e0, 0xff10,
];
const LONGEST: usize = 96;
/// Thailand counts from 543 before the common era; nothing else is in use beyond this year.
const BUDDHIST_ERA: u16 = 543;
const THAI: u16 = 2400;
/// Words that do not mark a half of the day: `T` between date and time, "year" in Bulgarian, names of the
/// clock.
const NO_MARK: &[&str] = &["", "t", "г", "uhr", "kl", "klo", "h"];
/// Marks of the first and the second half of the day, without dots and blanks, in the languages of
/// Windows. Source: Unicode CLDR 46 (day periods `am` and `pm`), and .NET's AMDesignator where it differs.
#[rustfmt::skip]
const MORNING: &[&str] = &[
    "am", "a", "πμ", "午前", "上午", "오전", "ص", "صباحا", "قظ", "öö", "sa", "पूर्वाह्न", "পূর্বাহ্ণ", "পূৰ্বাহ্ন", "ਪੂਦੁ",
    "ਸਵੇਰ", "પૂર્વમધ્યાહ્ન", "முற்பகல்", "పూర్వాహ్న", "ಪೂರ್ವಾಹ್ನ", "മപൂ", "मपू", "පෙව", "ก่อนเที่ยง", "ກ່ອນທ່ຽງ", "ጥዋት",
    "de", "пробоб", "пробед", "преподне", "претпл", "дп", "paradite", "eparadites", "pd", "dop", "dopoldne", "prijepodne", "fm",
    "vm", "vorm", "fh", "ap", "priekšp", "priekšpusdienā", "priešpiet", "rn", "gh", "ib", "yb", "სა", "таңкы", "үө", "asubuhi", "غم",
];
#[rustfmt::skip]
const AFTERNOON: &[&str] = &[
    "pm", "p", "μμ", "午後", "下午", "오후", "م", "مساء", "بظ", "ös", "ch", "अपराह्न", "অপরাহ্ণ", "অপৰাহ্ন", "ਬਾਦੁ",
    "ਸ਼ਾਮ", "ઉત્તરમધ્યાહ્ન", "பிற்பகல்", "అపరాహ్న", "ಅಪರಾಹ್ನ", "മഉ", "मउ", "පව", "หลังเที่ยง", "ຫຼັງທ່ຽງ", "ከሰዓት",
    "du", "слоб", "следоб", "попладне", "попл", "пп", "pasdite", "epasdites", "md", "odp", "popoldne", "poslijepodne", "em",
    "nm", "nachm", "eh", "ip", "pēcp", "pēcpusdienā", "popiet", "ep", "gm", "in", "yh", "სლ", "түштөнкийинки", "үх", "mchana", "غو",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, NoTime> {
        let stamp = Stamp::parse(text)?;
        let mut dates = FileDates::default();
        dates.add(stamp);
        Ok(stamp.time(dates.order())?.rfc3339(crate::time::Resolution::SECONDS))
    }

    #[test]
    fn many_countries_write_the_same_moment() {
        for text in [
            "11/23/2026 8:04:14 PM",
            "23.11.2026 20:04:14",
            "2026-11-23 20:04:14",
            "23/11/2026 20:04:14",
            "23-11-2026 20:04:14",
            "2026/11/23 20:04:14",
            "2026. 11. 23. 오후 8:04:14",
            "23/11/26 8:04:14 p. m.",
            "23/11/2026 8:04:14 μμ",
            "23/11/2026 08:04:14 م",
            "٢٣/١١/٢٠٢٦ ٠٨:٠٤:١٤ م",
            "23.11.2026 г. 20:04:14",
            "23/11/2569 20:04:14",
            "2026/11/23 下午 08:04:14",
            "2026年11月23日 下午08:04:14",
            "23.11.2026 ÖS 8:04:14",
            "2026. 11. 23. du. 8:04:14",
            "\u{200e}11/\u{200e}23/\u{200e}2026 8:04:14\u{202f}PM",
        ] {
            assert_eq!(read(text).as_deref(), Ok("2026-11-23T20:04:14Z"), "{text}");
        }
        for text in [
            "2026-11-23 21:04:14.816 +01:00",
            "23-11-2026 21:04:14.816 +01:00",
            "11-23-2026 15:04:14 -05:00",
            "2026-11-23 22:04:14 +02",
            "2026-11-23 22:04:14+0200",
        ] {
            assert_eq!(read(text).as_deref(), Ok("2026-11-23T20:04:14Z"), "{text}");
        }
        let fraction =
            Stamp::parse("2026-11-23T08:04:14.2581").and_then(|it| it.time(Order::DayFirst));
        assert_eq!(fraction.map(|time| time.0 % 1_000_000_000), Ok(258_100_000));
        assert_eq!(read("11/23/2026 12:04:14 AM").as_deref(), Ok("2026-11-23T00:04:14Z"));
        assert_eq!(read("23.11.2026 г. 8:04:14").as_deref(), Ok("2026-11-23T08:04:14Z"));
    }

    #[test]
    fn a_mark_that_is_not_known_makes_no_hour() {
        assert_eq!(read("10/7/2020 5:20:06 xyz"), Err(NoTime::UnknownMark));
        assert_eq!(read("10/7/2020 5:20:06 ⵜⵉⴼⴰⵡⵜ"), Err(NoTime::UnknownMark));
        // An hour beyond twelve may be of another zone.
        for zone in ["xyz", "EST", "CET", "MSK"] {
            assert_eq!(read(&format!("13/7/2020 17:20:06 {zone}")), Err(NoTime::UnknownMark));
        }
        for utc in ["UTC", "gmt", " GMT"] {
            let text = format!("2020-07-13 07:20:06 {utc}");
            assert_eq!(read(&text).as_deref(), Ok("2020-07-13T07:20:06Z"));
        }
        assert_eq!(read("2020-07-13 07:20:06 UTC+02:00").as_deref(), Ok("2020-07-13T05:20:06Z"));
    }

    #[test]
    fn what_is_no_time_or_of_an_era_gives_none() {
        for none in ["0001-01-01T00:00:00Z", "0001-01-01 00:00:00", "01/01/0001 00:00:00"] {
            assert_eq!(read(none), Err(NoTime::NoDate), "{none}");
        }
        for era in ["R8/11/12 20:04:14", "令和8/11/12 20:04:14", "H31/4/30 20:04:14"] {
            assert_eq!(read(era), Err(NoTime::OtherCalendar), "{era}");
        }
    }

    #[test]
    fn dates_with_dots_decide_nothing_for_dates_with_slashes() {
        let mut dates = FileDates::default();
        for text in ["10.11.2026 20:06:40", "12/11/2026 8:06:40 PM"] {
            dates.add(Stamp::parse(text).unwrap());
        }
        assert!(dates.is_undecided());
        dates.add(Stamp::parse("12/13/2026 8:06:40 PM").unwrap());
        assert_eq!((dates.order(), dates.is_undecided()), (Order::MonthFirst, false));
    }

    #[test]
    fn a_weekday_before_the_date_is_no_mark_of_the_morning() {
        assert_eq!(read("Sa 21.11.2026 12:04:14").as_deref(), Ok("2026-11-21T12:04:14Z"));
        assert_eq!(read("Sa, 21.11.2026 0:04:14").as_deref(), Ok("2026-11-21T00:04:14Z"));
        assert_eq!(read("21/11/2026 12:04:14 SA").as_deref(), Ok("2026-11-21T00:04:14Z"));
        let with_month = "Monday, November 23, 2026 8:04:14 PM";
        assert_eq!(read(with_month), Err(NoTime::UnknownMark));
    }

    #[test]
    fn a_year_of_two_digits_that_may_come_first_is_undecided() {
        let of = |texts: &[&str]| {
            let mut dates = FileDates::default();
            texts.iter().for_each(|text| dates.add(Stamp::parse(text).unwrap()));
            dates.is_year_undecided()
        };
        assert!(of(&["26/11/23 20:04:14"]));
        assert!(!of(&["26/11/23 20:04:14", "26/11/45 20:04:14"]));
        assert!(!of(&["26/11/2023 20:04:14"]) && !of(&["26.11.23 20:04:14"]));
    }

    #[test]
    fn a_year_of_another_calendar_is_named() {
        assert_eq!(read("1399/04/20 17:20:06"), Err(NoTime::OtherCalendar));
        assert_eq!(read("19/11/1441 05:20:06 م"), Err(NoTime::OtherCalendar));
    }

    #[test]
    fn all_dates_of_a_file_decide_the_order_together() {
        let stamp = |text| Stamp::parse(text).unwrap();
        let mut dates = FileDates::default();
        dates.add(stamp("07/10/2020 17:20:06"));
        assert!(dates.is_undecided() && dates.order() == Order::DayFirst);
        dates.add(stamp("07/13/2020 17:26:07"));
        assert!(!dates.is_undecided() && dates.order() == Order::MonthFirst);
        dates.add(stamp("13/07/2020 17:26:07"));
        assert!(dates.is_undecided());
    }

    #[test]
    fn what_could_be_either_is_ambiguous() {
        let stamp = |text| Stamp::parse(text).unwrap();
        assert!(stamp("1/2/2026 8:04:14").is_ambiguous());
        assert_eq!(stamp("1/2/2026 8:04:14").likely(), Order::DayFirst);
        assert_eq!(stamp("1/2/2026 8:04:14 AM").likely(), Order::MonthFirst);
        assert!(!stamp("1.2.2026 8:04:14").is_ambiguous());
        assert!(!stamp("2/2/2026 8:04:14").is_ambiguous());
    }

    #[test]
    fn other_texts_are_no_dates() {
        for text in ["", "4653", "10.0.0.1", "1.2.2026", "1 2 3 4 5 6 7", "99/99/2026 8:04:14"] {
            assert_eq!(read(text), Err(NoTime::NoDate), "{text}");
        }
    }

    #[test]
    fn no_mark_is_of_both_halves() {
        let all = [NO_MARK, MORNING, AFTERNOON].concat();
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = read(&text);
        }
    }
}
