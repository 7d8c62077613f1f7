//! How Windows shows events in several languages: labels, dates, what parts the columns.

/// How a system of a language shows an event.
pub(crate) struct Language {
    pub(crate) separator: char,
    /// The labels of a table: level, date, source, number, task.
    pub(crate) columns: [&'static str; 5],
    /// The labels of a copied event.
    pub(crate) labels: [&'static str; 10],
    /// How it shows a time, from year, month, day, hour, minute, second.
    pub(crate) time: fn([u32; 6]) -> String,
}

const fn half(hour: u32) -> (u32, bool) {
    let twelve = if hour.is_multiple_of(12) { 12 } else { hour % 12 };
    (twelve, hour >= 12)
}

pub(crate) const LANGUAGES: [Language; 5] = [
    Language {
        separator: ',',
        columns: ["Level", "Date and Time", "Source", "Event ID", "Task Category"],
        labels: [
            "Log Name:      ",
            "Source:        ",
            "Date:          ",
            "Event ID:      ",
            "Task Category: ",
            "Level:         ",
            "Keywords:      ",
            "User:          ",
            "Computer:      ",
            "Description:",
        ],
        time: |[y, mo, d, h, mi, s]| {
            let (hour, is_pm) = half(h);
            format!("{mo}/{d}/{y} {hour}:{mi:02}:{s:02} {}", if is_pm { "PM" } else { "AM" })
        },
    },
    Language {
        separator: ';',
        columns: ["Ebene", "Datum und Uhrzeit", "Quelle", "Ereignis-ID", "Aufgabenkategorie"],
        labels: [
            "Protokollname: ",
            "Quelle:        ",
            "Datum:         ",
            "Ereignis-ID:   ",
            "Aufgabenkategorie:",
            "Ebene:         ",
            "Schlüsselwörter:",
            "Benutzer:      ",
            "Computer:      ",
            "Beschreibung:",
        ],
        time: |[y, mo, d, h, mi, s]| format!("{d:02}.{mo:02}.{y} {h:02}:{mi:02}:{s:02}"),
    },
    Language {
        separator: ';',
        columns: [
            "Επίπεδο",
            "Ημερομηνία και ώρα",
            "Προέλευση",
            "Αναγνωριστικό συμβάντος",
            "Κατηγορία εργασίας",
        ],
        labels: [
            "Όνομα αρχείου:",
            "Προέλευση:",
            "Ημερομηνία:",
            "Αναγνωριστικό:",
            "Κατηγορία:",
            "Επίπεδο:",
            "Λέξεις-κλειδιά:",
            "Χρήστης:",
            "Υπολογιστής:",
            "Περιγραφή:",
        ],
        time: |[y, mo, d, h, mi, s]| {
            let (hour, is_pm) = half(h);
            format!("{d}/{mo}/{y} {hour}:{mi:02}:{s:02} {}", if is_pm { "μμ" } else { "πμ" })
        },
    },
    Language {
        separator: '\t',
        columns: ["レベル", "日付と時刻", "ソース", "イベント ID", "タスクのカテゴリ"],
        labels: [
            "ログの名前:         ",
            "ソース:           ",
            "日付:            ",
            "イベント ID:       ",
            "タスクのカテゴリ:      ",
            "レベル:           ",
            "キーワード:         ",
            "ユーザー:          ",
            "コンピューター：       ",
            "説明:",
        ],
        time: |[y, mo, d, h, mi, s]| format!("{y}/{mo:02}/{d:02} {h}:{mi:02}:{s:02}"),
    },
    Language {
        separator: ',',
        columns: ["ระดับ", "วันที่และเวลา", "แหล่งที่มา", "รหัสเหตุการณ์", "ประเภทงาน"],
        labels: [
            "ชื่อบันทึก:",
            "แหล่งที่มา:",
            "วันที่:",
            "รหัส:",
            "ประเภทงาน:",
            "ระดับ:",
            "คำสำคัญ:",
            "ผู้ใช้:",
            "คอมพิวเตอร์:",
            "คำอธิบาย:",
        ],
        time: |[y, mo, d, h, mi, s]| format!("{d}/{mo}/{} {h}:{mi:02}:{s:02}", y + 543),
    },
];
