//! Just enough of protobuf's wire format to pick fields by number
//! (<https://protobuf.dev/programming-guides/encoding/>).

/// A message, not looked into yet.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a>(pub &'a [u8]);

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Four or eight bytes: no field that is asked for is of that kind.
    Fixed,
}

impl<'a> Message<'a> {
    /// Whether all of it can be read.
    pub fn is_whole(&self) -> bool {
        let mut rest = self.0;
        while !rest.is_empty() {
            if take_field(&mut rest).is_none() {
                return false;
            }
        }
        true
    }

    /// A number, 0 when it is not there, as protobuf has it.
    pub fn number(&self, field: u64) -> u64 {
        match self.last(field) {
            Some(Value::Number(number)) => number,
            _ => 0,
        }
    }

    /// A message within.
    pub fn message(&self, field: u64) -> Option<Self> {
        match self.last(field)? {
            Value::Bytes(bytes) => Some(Self(bytes)),
            _ => None,
        }
    }

    /// A text that is not blank.
    pub fn text(&self, field: u64) -> Option<&'a str> {
        let text = std::str::from_utf8(self.message(field)?.0).ok()?.trim();
        Some(text).filter(|text| !text.is_empty())
    }

    /// A field that is there twice means the last one.
    fn last(&self, field: u64) -> Option<Value<'a>> {
        let (mut rest, mut last) = (self.0, None);
        while let Some((number, value)) = take_field(&mut rest) {
            if number == field {
                last = Some(value);
            }
        }
        last
    }
}

fn take_field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Value<'a>)> {
    let tag = take_number(rest)?;
    let value = match tag & 7 {
        0 => Value::Number(take_number(rest)?),
        1 => take_bytes(rest, 8).map(|_| Value::Fixed)?,
        2 => {
            let length = usize::try_from(take_number(rest)?).ok()?;
            Value::Bytes(take_bytes(rest, length)?)
        }
        5 => take_bytes(rest, 4).map(|_| Value::Fixed)?,
        _ => return None,
    };
    Some((tag >> 3, value))
}

fn take_bytes<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(taken)
}

fn take_number(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = *take_bytes(rest, 1)?.first()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_number_and_the_last_one_holds() {
        // 1: 150, 2: "hi", 3: eight bytes, 4: {1: 1}, 1: 7, 5: four bytes.
        let bytes = b"\x08\x96\x01\x12\x02hi\x1912345678\x22\x02\x08\x01\x08\x07\x2d1234";
        let message = Message(bytes);
        assert!(message.is_whole());
        assert_eq!((message.number(1), message.number(9), message.number(3)), (7, 0, 0));
        assert_eq!((message.text(2), message.text(1)), (Some("hi"), None));
        assert_eq!(message.message(4).map(|inner| inner.number(1)), Some(1));
        assert!(!Message(&bytes[..bytes.len() - 1]).is_whole());
        assert!(!Message(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01").is_whole());
        assert_eq!(Message(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01").number(1), u64::MAX);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let message = Message(&bytes);
            let _ = (message.is_whole(), message.number(1), message.text(2));
        }
    }
}
