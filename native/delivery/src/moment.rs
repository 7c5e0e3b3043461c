//! Times in payloads: RFC 3339, UTC, always milliseconds and Z, as `consumer/signing/timestamps.py` writes them.

const FIRST_SECOND: i64 = -62_167_219_200; // of the year 0000
const LAST_SECOND: i64 = 253_402_300_799; // of the year 9999
const DAY_S: i64 = 86_400;

/// Epoch milliseconds as `2026-03-19T14:30:00.000Z`; those outside the years 0000 to 9999 as the nearest second.
pub fn rfc3339(time_ms: i64) -> String {
    let (second, millisecond) = (time_ms.div_euclid(1_000), time_ms.rem_euclid(1_000));
    let second = second.clamp(FIRST_SECOND, LAST_SECOND);
    let (year, month, day) = date(second.div_euclid(DAY_S));
    let of_day = second.rem_euclid(DAY_S);
    let (hour, minute, of_minute) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{of_minute:02}.{millisecond:03}Z")
}

/// The date so many days after 1970-01-01, by Howard Hinnant's `civil_from_days`: years begin in March.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468; // since 0000-03-01
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn a_time_is_written_in_utc_with_milliseconds() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(rfc3339(951_782_400_123), "2000-02-29T00:00:00.123Z");
        assert_eq!(rfc3339(1_790_000_000_007), "2026-09-21T14:13:20.007Z");
    }

    #[test]
    fn beyond_four_digits_of_a_year_it_is_the_nearest_second() {
        assert_eq!(rfc3339(i64::MIN), "0000-01-01T00:00:00.192Z");
        assert_eq!(rfc3339(i64::MAX), "9999-12-31T23:59:59.807Z");
    }
}
