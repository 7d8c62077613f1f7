//! Dates and times of day as Windows shows them to people, in the ways of many countries.
//!
//! Numbers alone are looked at. Where day and month could be either, only other dates of the same
//! file can tell; nothing tells the zone.

use crate::time::Timestamp;

/// A point in time as it was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// The three numbers of the date as they stand.
    date: [u16; 3],
    time: (i8, i8, i8),
    shown: Shown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    YearFirst,
    /// 23.11.2026
    Dotted,
    /// With a slash or dash; and whether the time tells the half of the day.
    Other {
        has_half: bool,
    },
}

/// Which of day and month comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    DayFirst,
    MonthFirst,
}

impl Stamp {
    /// The date and time in a text; `None` where it holds other numbers than these.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let mut groups =
            text.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty());
        let mut next = || groups.next()?.parse::<u16>().ok();
        let date = [next()?, next()?, next()?];
        let (hour, minute, second) = (next()?, next()?, next().unwrap_or(0));
        if next().is_some() {
            return None;
        }
        let lower = text.to_lowercase();
        let has = |marks: &[&str]| marks.iter().any(|mark| lower.contains(mark));
        let (is_morning, is_afternoon) = (has(MORNING), has(AFTERNOON));
        let hour = match hour {
            12 if is_morning => 0,
            1..=11 if is_afternoon => hour + 12,
            _ => hour,
        };
        let small = |number: u16| i8::try_from(number).ok();
        let first_gap = text.trim_start().trim_start_matches(|c: char| c.is_ascii_digit());
        let shown = match date {
            [(1000..), ..] => Shown::YearFirst,
            _ if first_gap.starts_with('.') => Shown::Dotted,
            _ => Shown::Other { has_half: is_morning || is_afternoon },
        };
        Some(Self { date, time: (small(hour)?, small(minute)?, small(second)?), shown })
    }

    /// What this stamp alone proves of the order; `None` where both are possible.
    pub(super) fn proof(self) -> Option<Order> {
        match (self.shown, self.date) {
            (Shown::YearFirst, _) => None,
            (Shown::Dotted, _) | (Shown::Other { .. }, [(13..), ..]) => Some(Order::DayFirst),
            (Shown::Other { .. }, [_, (13..), _]) => Some(Order::MonthFirst),
            (Shown::Other { .. }, _) => None,
        }
    }

    /// Whether its day and month could change places.
    pub(super) fn is_ambiguous(self) -> bool {
        self.shown != Shown::YearFirst && self.proof().is_none() && self.date[0] != self.date[1]
    }

    /// The likely order where nothing proves one: the month comes first where the day has halves.
    pub(super) fn order(self) -> Order {
        let likely = match self.shown {
            Shown::Other { has_half: true } => Order::MonthFirst,
            Shown::Other { has_half: false } | Shown::YearFirst | Shown::Dotted => Order::DayFirst,
        };
        self.proof().unwrap_or(likely)
    }

    /// The point in time, its clock taken for UTC; `None` where the calendar has no such day.
    pub(super) fn in_order(self, order: Order) -> Option<Timestamp> {
        let [a, b, c] = self.date;
        let (year, month, day) = match (self.shown, order) {
            (Shown::YearFirst, _) => (a, b, c),
            (_, Order::DayFirst) => (c, b, a),
            (_, Order::MonthFirst) => (c, a, b),
        };
        let year = if year < 100 { year + 2000 } else { year };
        let small = |number: u16| i8::try_from(number).ok();
        let date = (i16::try_from(year).ok()?, small(month)?, small(day)?);
        Timestamp::from_utc(date, self.time, 0)
    }
}

const LONGEST: usize = 64;
const MORNING: &[&str] = &["am", "a.m", "a. m", "午前", "上午", "오전"];
const AFTERNOON: &[&str] = &["pm", "p.m", "p. m", "午後", "下午", "오후"];

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Option<String> {
        let stamp = Stamp::parse(text)?;
        let time = stamp.in_order(stamp.order())?;
        Some(time.rfc3339(crate::time::Resolution::SECONDS))
    }

    #[test]
    fn many_countries_tell_the_same_moment() {
        for text in [
            "11/23/2026 8:04:14 PM",
            "23.11.2026 20:04:14",
            "2026-11-23 20:04:14",
            "23/11/2026 20:04:14",
            "23-11-2026 20:04:14",
            "2026/11/23 20:04:14",
            "2026. 11. 23. 오후 8:04:14",
            "23/11/26 8:04:14 p. m.",
        ] {
            assert_eq!(told(text).as_deref(), Some("2026-11-23T20:04:14Z"), "{text}");
        }
        assert_eq!(told("11/23/2026 12:04:14 AM").as_deref(), Some("2026-11-23T00:04:14Z"));
    }

    #[test]
    fn what_could_be_either_is_ambiguous() {
        let stamp = |text| Stamp::parse(text).unwrap();
        assert!(stamp("1/2/2026 8:04:14").is_ambiguous());
        assert_eq!(stamp("1/2/2026 8:04:14").order(), Order::DayFirst);
        assert_eq!(stamp("1/2/2026 8:04:14 AM").order(), Order::MonthFirst);
        assert!(!stamp("1.2.2026 8:04:14").is_ambiguous());
        assert!(!stamp("2/2/2026 8:04:14").is_ambiguous());
    }

    #[test]
    fn other_texts_are_no_dates() {
        for text in ["", "4653", "10.0.0.1", "1.2.2026", "1 2 3 4 5 6 7", "99/99/2026 8:04:14"] {
            assert_eq!(told(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = told(&text);
        }
    }
}
