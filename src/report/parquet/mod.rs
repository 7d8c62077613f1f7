//! The tables as Parquet: columns with types, for DuckDB, pandas and Spark.
//!
//! Cells are made from the JSON of a row, as those of the CSV tables are. Not compressed: a
//! dictionary for each column is most of what compression would gain.

use super::columns::{self, Column, Kind, Table, found};
use super::moment::{micros, nanos};
use super::{FormatError, Maker};
use ::parquet::basic::Compression;
use ::parquet::column::writer::ColumnWriter;
use ::parquet::data_type::ByteArray;
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;
use serde::Serialize;
use serde_json::Value;
use std::io::Write;
use std::sync::Arc;

impl From<ParquetError> for FormatError {
    fn from(error: ParquetError) -> Self {
        Self::Parquet(error.into())
    }
}

/// Every table, with the name of its file.
pub(super) const TABLES: [(&str, Maker); 5] = [
    (columns::WINDOWS.file, |report, out| table(&columns::WINDOWS, &report.windows, out)),
    (columns::PAIRS.file, |report, out| table(&columns::PAIRS, &report.pairs, out)),
    (columns::IKE_EXCHANGES.file, |report, out| {
        table(&columns::IKE_EXCHANGES, &report.ike_exchanges, out)
    }),
    (columns::LOG_EVENTS.file, |report, out| table(&columns::LOG_EVENTS, &report.log_events, out)),
    (columns::FINDINGS.file, |report, out| table(&columns::FINDINGS, &report.findings, out)),
];

fn table<T: Serialize>(table: &Table, rows: &[T], out: &mut dyn Write) -> Result<(), FormatError> {
    let schema = Arc::new(parse_message_type(&message_type(table))?);
    let properties = WriterProperties::builder().set_compression(Compression::UNCOMPRESSED).build();
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    // Without a row there is no group: not every reader takes an empty one.
    for rows in rows.chunks(ROWS_IN_A_GROUP) {
        let rows: Vec<Value> =
            rows.iter().map(serde_json::to_value).collect::<Result<_, serde_json::Error>>()?;
        let mut group = file.next_row_group()?;
        for column in table.columns {
            let Some(mut writer) = group.next_column()? else { break };
            let cells = rows.iter().map(|row| found(row, column.path));
            write(writer.untyped(), column.kind, cells)?;
            writer.close()?;
        }
        group.close()?;
    }
    Ok(out.write_all(&file.into_inner()?)?)
}

/// The table in Parquet's own language.
fn message_type(table: &Table) -> String {
    let columns: String = table.columns.iter().map(|column| declared(column) + "\n").collect();
    format!("message {} {{\n{columns}}}", table.name)
}

fn declared(column: &Column) -> String {
    let name = column.name;
    match column.kind {
        Kind::Text | Kind::Json => format!("optional binary {name} (STRING);"),
        Kind::Number | Kind::Nanos => format!("optional int64 {name};"),
        Kind::Unsigned => format!("optional int64 {name} (INTEGER(64,false));"),
        Kind::Fraction => format!("optional double {name};"),
        Kind::Flag => format!("optional boolean {name};"),
        Kind::Time => format!("optional int64 {name} (TIMESTAMP(MICROS,true));"),
        Kind::Texts => format!(
            "required group {name} (LIST) {{ repeated group list {{ required binary element (STRING); }} }}"
        ),
    }
}

fn write<'a>(
    writer: &mut ColumnWriter<'_>,
    kind: Kind,
    cells: impl Iterator<Item = Option<&'a Value>>,
) -> Result<(), ParquetError> {
    match writer {
        ColumnWriter::BoolColumnWriter(writer) => {
            let (flags, levels) = optional(cells.map(|cell| cell.and_then(Value::as_bool)));
            writer.write_batch(&flags, Some(&levels), None)?;
        }
        ColumnWriter::Int64ColumnWriter(writer) => {
            let (numbers, levels) =
                optional(cells.map(|cell| cell.and_then(|cell| number(cell, kind))));
            writer.write_batch(&numbers, Some(&levels), None)?;
        }
        ColumnWriter::DoubleColumnWriter(writer) => {
            let (numbers, levels) = optional(cells.map(|cell| cell.and_then(Value::as_f64)));
            writer.write_batch(&numbers, Some(&levels), None)?;
        }
        ColumnWriter::ByteArrayColumnWriter(writer) if kind == Kind::Texts => {
            let lists = listed(cells);
            writer.write_batch(&lists.texts, Some(&lists.definitions), Some(&lists.repetitions))?;
        }
        ColumnWriter::ByteArrayColumnWriter(writer) => {
            let (texts, levels) = optional(cells.map(|cell| cell.map(text)));
            writer.write_batch(&texts, Some(&levels), None)?;
        }
        ColumnWriter::Int32ColumnWriter(_)
        | ColumnWriter::Int96ColumnWriter(_)
        | ColumnWriter::FloatColumnWriter(_)
        | ColumnWriter::FixedLenByteArrayColumnWriter(_) => {
            return Err(ParquetError::General("a column of a type that no table has".to_owned()));
        }
    }
    Ok(())
}

/// The values that are there, and for every row whether it has one.
fn optional<T>(cells: impl Iterator<Item = Option<T>>) -> (Vec<T>, Vec<i16>) {
    let mut levels = Vec::new();
    let cells = cells.inspect(|cell| levels.push(i16::from(cell.is_some())));
    let values = cells.flatten().collect();
    (values, levels)
}

fn number(cell: &Value, kind: Kind) -> Option<i64> {
    match kind {
        Kind::Time => cell.as_str().and_then(nanos).map(micros),
        Kind::Nanos => cell.as_str().and_then(nanos),
        // Parquet keeps the bits of an unsigned number where those of a signed one would be.
        Kind::Unsigned => cell.as_u64().map(u64::cast_signed),
        Kind::Number | Kind::Fraction | Kind::Text | Kind::Flag | Kind::Texts | Kind::Json => {
            cell.as_i64()
        }
    }
}

fn text(cell: &Value) -> ByteArray {
    let text = cell.as_str().map_or_else(|| cell.to_string(), str::to_owned);
    ByteArray::from(text.into_bytes())
}

/// Lists as Parquet has them: all their texts, where each begins, and which are empty.
#[derive(Default)]
struct Lists {
    texts: Vec<ByteArray>,
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
}

fn listed<'a>(cells: impl Iterator<Item = Option<&'a Value>>) -> Lists {
    let mut lists = Lists::default();
    for cell in cells {
        let items = cell.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        if items.is_empty() {
            lists.definitions.push(0);
            lists.repetitions.push(0);
        }
        for (at, item) in items.iter().enumerate() {
            lists.texts.push(text(item));
            lists.definitions.push(1);
            lists.repetitions.push(i16::from(at > 0));
        }
    }
    lists
}

/// As many rows are held as JSON while they are written.
const ROWS_IN_A_GROUP: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_show_where_they_begin() {
        let rows = [json!(["a", "b"]), json!([]), json!(["c"])];
        let lists = listed(rows.iter().map(Some));
        assert_eq!(lists.texts.len(), 3);
        assert_eq!(lists.definitions, [1, 1, 0, 1]);
        assert_eq!(lists.repetitions, [0, 1, 0, 0]);
    }
}
