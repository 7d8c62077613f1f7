//! One event's named values, as far as they are needed: texts are borrowed from the file, and the event's own
//! data is parsed only on request.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// The named values of one event, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::eventlog::text) struct Row<'t>(Vec<(Cow<'t, str>, Node<'t>)>);

/// A value of JSON.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::eventlog::text) enum Node<'t> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'t, str>),
    List(Vec<Node<'t>>),
    Object(Row<'t>),
    /// JSON that was checked but not parsed.
    Unread(&'t str),
}

impl<'t> Row<'t> {
    /// The value of a name; of repeated names, the last.
    pub(in crate::eventlog::text) fn get(&self, name: &str) -> Option<&Node<'t>> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Node<'t>)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }
}

impl<'t> FromIterator<(Cow<'t, str>, Node<'t>)> for Row<'t> {
    fn from_iter<I: IntoIterator<Item = (Cow<'t, str>, Node<'t>)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl<'t> Extend<(Cow<'t, str>, Node<'t>)> for Row<'t> {
    fn extend<I: IntoIterator<Item = (Cow<'t, str>, Node<'t>)>>(&mut self, values: I) {
        self.0.extend(values);
    }
}

impl<'t> Node<'t> {
    pub(in crate::eventlog::text) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null
            | Self::Bool(_)
            | Self::Number(_)
            | Self::List(_)
            | Self::Object(_)
            | Self::Unread(_) => None,
        }
    }

    pub(super) fn as_object(&self) -> Option<&Row<'t>> {
        match self {
            Self::Object(row) => Some(row),
            Self::Null
            | Self::Bool(_)
            | Self::Number(_)
            | Self::List(_)
            | Self::Text(_)
            | Self::Unread(_) => None,
        }
    }

    /// The value of a name in an object.
    pub(super) fn get(&self, name: &str) -> Option<&Node<'t>> {
        self.as_object().and_then(|row| row.get(name))
    }

    /// The value, parsed now if it was not before.
    pub(super) fn read(&self) -> Cow<'_, Node<'t>> {
        match self {
            Self::Unread(json) => {
                let read: Result<Whole<'t>, _> = serde_json::from_str(json);
                Cow::Owned(read.map_or(Node::Null, |whole| whole.0))
            }
            Self::Null
            | Self::Bool(_)
            | Self::Number(_)
            | Self::List(_)
            | Self::Object(_)
            | Self::Text(_) => Cow::Borrowed(self),
        }
    }
}

/// A value that is parsed completely.
struct Whole<'t>(Node<'t>);

impl<'de: 't, 't> Deserialize<'de> for Whole<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Values { is_lazy: false }).map(Self)
    }
}

impl<'de: 't, 't> Deserialize<'de> for Node<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Values { is_lazy: true })
    }
}

impl<'de: 't, 't> Deserialize<'de> for Row<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_map(Values { is_lazy: true })? {
            Node::Object(row) => Ok(row),
            _ => Err(serde::de::Error::custom("it is not an object")),
        }
    }
}

#[derive(Clone, Copy)]
struct Values {
    /// Whether data that may not be needed is left unparsed.
    is_lazy: bool,
}

impl<'de> serde::de::DeserializeSeed<'de> for Values {
    type Value = Node<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Values {
    type Value = Node<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value of JSON")
    }

    fn visit_unit<E>(self) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node<'de>, E> {
        Ok(Node::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node<'de>, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node<'de>, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node<'de>, E> {
        Ok(Number::from_f64(value).map_or(Node::Null, Node::Number))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node<'de>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Node<'de>, A::Error> {
        let mut row = Vec::new();
        while let Some(Name(name)) = members.next_key()? {
            let value = if self.is_lazy && LAZY.contains(&name.as_ref()) {
                Node::Unread(members.next_value::<&RawValue>()?.get())
            } else {
                members.next_value_seed(self)?
            };
            row.push((name, value));
        }
        Ok(Node::Object(Row(row)))
    }
}

/// A name in an object.
struct Name<'t>(Cow<'t, str>);

impl<'de: 't, 't> Deserialize<'de> for Name<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Names)
    }
}

struct Names;

impl<'de> Visitor<'de> for Names {
    type Value = Name<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Owned(value.to_owned())))
    }
}

/// The names under which the tools put an event's own data and texts.
const LAZY: &[&str] = &[
    "EventData",
    "UserData",
    "event_data",
    "user_data",
    "Properties",
    "Payload",
    "AllFieldInfo",
    "Details",
    "Message",
    "message",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_read_when_it_is_asked_for() {
        let row: Row<'_> = serde_json::from_str(
            r#"{"Id": 7, "Message": "a\nb", "EventData": {"x": [1, null], "Message": "c"}, "n": {"EventData": 1}}"#,
        )
        .unwrap();
        assert_eq!(
            row.get("Message").map(|it| it.read().into_owned()),
            Some(Node::Text("a\nb".into()))
        );
        let data = row.get("EventData").unwrap();
        assert!(matches!(data, Node::Unread(_)));
        assert_eq!(data.read().get("Message").and_then(Node::as_str), Some("c"));
        assert!(serde_json::from_str::<Row<'_>>(r#"{"EventData": {]}"#).is_err());
        assert!(serde_json::from_str::<Row<'_>>("[]").is_err());
    }

    proptest::proptest! {
        #[test]
        fn it_reads_what_serde_json_reads(text in "[\\[\\]{},:\"a0-9.e\\\\ -]{0,40}") {
            let known = serde_json::from_str::<serde_json::Value>(&text);
            let read = serde_json::from_str::<Node<'_>>(&text);
            proptest::prop_assert_eq!(known.is_ok(), read.is_ok(), "{}", text);
        }
    }
}
