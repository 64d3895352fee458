//! One PNG or JPEG file's bytes as pixels.
//!
//! The header says how many pixels there are, and is believed only as far as the file is long: see [`MOST`]. A picture is of
//! one channel if the file is gray, else of three. Where it is transparent, white shows through, as on paper. 16 bits are cut
//! to 8. A JPEG is turned upright as its camera noted.

use std::io::Cursor;

use png::{ColorType, Transformations};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use super::orientation::Orientation;
use crate::input_error::InputError;

/// Any file may become so many bytes, …
const FREE: u64 = 64 << 20;
/// … and so many for each of its own: photographs reach 30, a drawing of plain areas 200.
const MOST: u64 = 200;

/// Pixels of 1 or 3 channels, row by row, the channels of a pixel side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Picture {
    pub(super) channels: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) pixels: Vec<u8>,
}

/// The picture in these bytes of the file `place`.
///
/// # Errors
/// If they are no PNG and no JPEG, are damaged or cut short, or claim far more pixels than they can hold.
pub(super) fn decode(bytes: &[u8], place: &str) -> Result<Picture, InputError> {
    let kind = match bytes {
        [0x89, b'P', b'N', b'G', ..] => png,
        [0xff, 0xd8, ..] => jpeg,
        _ => {
            let hint = "save it as PNG or JPEG, or take it out of the folder";
            return Err(InputError::new(place, "a PNG or JPEG image", known_as(bytes), hint));
        }
    };
    let picture = kind(bytes).map_err(|e| match e {
        Broken::Damaged(why) => {
            let hint = "copy the file again, or take it out of the folder";
            InputError::new(place, "a whole PNG or JPEG image", why, hint)
        }
        Broken::Large { height, width } => InputError::new(
            place,
            format!("an image that {} bytes can hold", bytes.len()),
            format!("{height} x {width} pixels in its header"),
            "if it is meant so, save it smaller",
        ),
    })?;
    if picture.pixels.is_empty() {
        return Err(InputError::new(place, "an image with pixels", "none", "take it out of the folder"));
    }
    Ok(picture)
}

/// Why bytes are no picture.
enum Broken {
    Damaged(String),
    Large { height: usize, width: usize },
}

/// What a file that is no PNG or JPEG seems to be.
fn known_as(bytes: &[u8]) -> &'static str {
    match bytes {
        [] => "an empty file",
        [b'G', b'I', b'F', b'8', ..] => "a GIF image",
        [b'B', b'M', ..] => "a BMP image",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "a WebP image",
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => "a TIFF image",
        _ if std::str::from_utf8(&bytes[..bytes.len().min(512)]).is_ok() => "text",
        _ => "another kind of file",
    }
}

/// Whether `bytes` can hold so many pixels.
fn expect_room(bytes: &[u8], height: usize, width: usize, channels: usize) -> Result<(), Broken> {
    let most = FREE + MOST * bytes.len() as u64;
    let wanted = (height as u64).saturating_mul(width as u64).saturating_mul(channels as u64);
    if wanted <= most { Ok(()) } else { Err(Broken::Large { height, width }) }
}

fn png(bytes: &[u8]) -> Result<Picture, Broken> {
    let damaged = |e: png::DecodingError| match e {
        png::DecodingError::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
            Broken::Damaged("a PNG whose end is missing".to_owned())
        }
        e => Broken::Damaged(format!("a damaged PNG: {e}")),
    };
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let info = decoder.read_header_info().map_err(damaged)?;
    let (width, height) = (info.width as usize, info.height as usize);
    // Sixteen bits, and four channels.
    expect_room(bytes, height, width, 8)?;
    decoder.set_limits(png::Limits { bytes: usize::MAX });
    let mut reader = decoder.read_info().map_err(damaged)?;
    let size = reader.output_buffer_size().ok_or(Broken::Large { height, width })?;
    let mut pixels = vec![0; size];
    reader.next_frame(&mut pixels).map_err(damaged)?;
    let (channels, pixels) = match reader.output_color_type().0 {
        ColorType::Grayscale => (1, pixels),
        ColorType::GrayscaleAlpha => (1, on_white::<2>(&pixels)),
        ColorType::Rgb => (3, pixels),
        ColorType::Rgba => (3, on_white::<4>(&pixels)),
        ColorType::Indexed => return Err(Broken::Damaged("a PNG without its palette".to_owned())),
    };
    Ok(Picture { channels, height, width, pixels })
}

/// The color of each pixel, the last of its `N` numbers its opacity, before white.
fn on_white<const N: usize>(pixels: &[u8]) -> Vec<u8> {
    let blend = |color: u8, opacity: u8| {
        let (color, opacity) = (u32::from(color), u32::from(opacity));
        ((color * opacity + 255 * (255 - opacity) + 127) / 255) as u8
    };
    let (pixels, _) = pixels.as_chunks::<N>();
    pixels.iter().flat_map(|pixel| pixel[..N - 1].iter().map(|&color| blend(color, pixel[N - 1]))).collect()
}

fn jpeg(bytes: &[u8]) -> Result<Picture, Broken> {
    let damaged = |e: zune_jpeg::errors::DecodeErrors| {
        let why = e.to_string();
        Broken::Damaged(format!("a damaged JPEG: {}", why.trim().trim_end_matches('.')))
    };
    // A file that ends early would else be filled up with gray.
    if !bytes.windows(2).rev().take(1 << 16).any(|two| two == [0xff, 0xd9]) {
        return Err(Broken::Damaged("a JPEG whose end is missing".to_owned()));
    }
    let most = usize::from(u16::MAX);
    let options = DecoderOptions::new_safe().set_max_width(most).set_max_height(most).set_strict_mode(true);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(damaged)?;
    let (width, height) = decoder.dimensions().ok_or_else(|| Broken::Damaged("a JPEG without a size".to_owned()))?;
    // A progressive file's coefficients are kept in 16 bits until its end.
    expect_room(bytes, height, width, 6)?;
    let gray = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let (channels, space) = if gray { (1, ColorSpace::Luma) } else { (3, ColorSpace::RGB) };
    decoder.set_options(options.jpeg_set_out_colorspace(space));
    let pixels = decoder.decode().map_err(damaged)?;
    if pixels.len() != height * width * channels {
        return Err(Broken::Damaged("a JPEG of another size than its header says".to_owned()));
    }
    let orientation = decoder.exif().map_or(Orientation::default(), |exif| Orientation::of(exif));
    Ok(orientation.turn(Picture { channels, height, width, pixels }))
}
