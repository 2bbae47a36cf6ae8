//! What the video worker does: a bit stream in, frames out as the page asks for them.
//!
//! It keeps the videos that were asked for last, taken apart, one decoder, and the frames that came out of it last. A frame ahead
//! of the decoder is reached by going on; any other by beginning at the key picture before it. What is decoded on the way is
//! kept as far as there is room, so that stepping and playing, also backwards, decode most pictures once.

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use protocol::dicomweb::multipart;
use viewer_core::pixel::{Photometric, SampleType};
use viewer_core::video::{Clip, Sample};

use crate::video_message::VideoRequest;
use crate::video_side::{self, Asked, Config, Decoder, Picture};
use crate::worker_message::Response;

/// Most bytes of bit streams; the last one is kept, whatever its size.
const MOST_STREAM_BYTES: usize = 256 << 20;
/// Most bytes of frames that wait to be asked for.
const MOST_FRAME_BYTES: usize = 128 << 20;
/// Pictures that the decoder has at a time.
const AT_A_TIME: u32 = 8;
/// Pictures after the wanted one that are handed over at most: no codec here holds back more than 16.
const MOST_AHEAD: usize = 40;

/// A video, or why it cannot be shown.
struct Kept {
    video: String,
    bytes: usize,
    clip: Result<Rc<Clip>, String>,
}

/// The decoder, and where it stands.
struct Running {
    video: String,
    decoder: Decoder,
    /// The sample that comes next.
    next: usize,
    /// Frames that were handed over and have not come out yet.
    inside: BTreeSet<usize>,
}

impl Running {
    /// The next frame that came out.
    fn next_picture(&mut self) -> Result<Option<(usize, Picture)>, String> {
        let Some((number, picture)) = self.decoder.next()? else {
            return Ok(None);
        };
        let frame_index = usize::try_from(number).unwrap_or(usize::MAX);
        self.inside.remove(&frame_index);
        Ok(Some((frame_index, picture)))
    }

    /// Hands the next sample over.
    fn push(&mut self, sample: &Sample, clip: &Clip) -> Result<(), String> {
        // One that is decoded and never shown gets a number that nobody asks for.
        let unseen = clip.samples.len() + self.next;
        let frame_index = sample.frame_index.unwrap_or(unseen);
        let number = u32::try_from(frame_index).map_err(|_| "the video has too many frames")?;
        let bytes = clip.bytes_of(sample);
        self.decoder.push(bytes, number, sample.is_key)?;
        self.inside.insert(frame_index);
        self.next += 1;
        Ok(())
    }
}

/// A frame as it goes out.
struct Ready {
    video: String,
    frame_index: usize,
    size: [u32; 2],
    rgb: Vec<u8>,
}

#[derive(Default)]
struct Program {
    kept: VecDeque<Kept>,
    running: Option<Running>,
    ready: VecDeque<Ready>,
}

/// Answers every request.
pub fn run() {
    console_error_panic_hook::set_once();
    let program = Rc::new(RefCell::new(Some(Program::default())));
    video_side::serve(move |asked| {
        let program = Rc::clone(&program);
        async move {
            // The page asks one thing at a time.
            let taken = program.borrow_mut().take();
            let mut own = taken.unwrap_or_default();
            let (response, samples) = own.answer(asked).await;
            *program.borrow_mut() = Some(own);
            (
                serde_json::to_string(&response).unwrap_or_default(),
                samples,
            )
        }
    });
}

impl Program {
    async fn answer(&mut self, (header, bytes): Asked) -> (Response, Option<Vec<u8>>) {
        let failed = |reason: String| (Response::Failed { reason }, None);
        let Ok(request) = serde_json::from_str::<VideoRequest>(&header) else {
            return failed("the worker does not know this request".into());
        };
        let started = video_side::now_ms();
        if bytes.length() > 0 {
            self.keep(&request, bytes.to_vec()).await;
        }
        let Some(place) = self.kept.iter().position(|it| it.video == request.video) else {
            return (Response::Lost, None);
        };
        let clip = match &self.kept[place].clip {
            Ok(clip) => Rc::clone(clip),
            Err(reason) => return failed(reason.clone()),
        };
        let frame = match self.frame(&request, &clip).await {
            Ok(frame) => frame,
            Err(reason) => {
                self.running = None;
                return failed(reason);
            }
        };
        let [columns, rows] = frame.size;
        if [columns, rows] != [request.columns, request.rows] {
            return failed(format!(
                "the video has {columns} x {rows} pixels, the image attributes say {} x {}",
                request.columns, request.rows
            ));
        }
        let response = Response::Frame {
            rows,
            columns,
            samples_per_pixel: 3,
            sample_type: SampleType::U8,
            bits_stored: 8,
            photometric: Photometric::Rgb,
            disagreements: Vec::new(),
            decode_ms: video_side::now_ms() - started,
        };
        (response, Some(frame.rgb))
    }

    /// Takes a bit stream apart and keeps it; old ones make room.
    async fn keep(&mut self, request: &VideoRequest, body: Vec<u8>) {
        self.kept.retain(|it| it.video != request.video);
        let bytes = body.len();
        let room = MOST_STREAM_BYTES.saturating_sub(bytes);
        while self.kept.iter().map(|it| it.bytes).sum::<usize>() > room {
            self.kept.pop_front();
        }
        let size = [request.columns, request.rows];
        let clip = read(&request.content_type, body);
        let clip = match clip {
            Ok(clip) => match video_side::refusal(config(&clip, size), clip.codec.name()).await {
                None => Ok(Rc::new(clip)),
                Some(reason) => Err(reason),
            },
            Err(reason) => Err(reason),
        };
        self.kept.push_back(Kept {
            video: request.video.clone(),
            bytes,
            clip,
        });
    }

    async fn frame(&mut self, request: &VideoRequest, clip: &Clip) -> Result<Ready, String> {
        let wanted = request.frame_index;
        let is_it = |it: &Ready| it.video == request.video && it.frame_index == wanted;
        if let Some(place) = self.ready.iter().position(is_it) {
            return self.ready.remove(place).ok_or_else(String::new);
        }
        let count = clip.frames.len();
        let (Some(place), Some(start)) = (clip.frames.get(wanted).copied(), clip.start_of(wanted))
        else {
            return Err(format!(
                "frame {} is not in the video, which holds {count}",
                wanted + 1
            ));
        };
        let goes_on = self.running.take().filter(|running| {
            let is_ahead = (start..=place).contains(&running.next);
            running.video == request.video && (is_ahead || running.inside.contains(&wanted))
        });
        let running = match goes_on {
            Some(running) => running,
            None => Running {
                video: request.video.clone(),
                decoder: Decoder::new(config(clip, [request.columns, request.rows]))?,
                next: start,
                inside: BTreeSet::new(),
            },
        };
        self.running = Some(running);
        self.decode_to(request, clip, place).await
    }

    /// Feeds the decoder until the frame of a sample comes out of it.
    async fn decode_to(
        &mut self,
        request: &VideoRequest,
        clip: &Clip,
        place: usize,
    ) -> Result<Ready, String> {
        let wanted = request.frame_index;
        loop {
            let running = self.running.as_mut().ok_or("the decoder is gone")?;
            if let Some((frame_index, picture)) = running.next_picture()? {
                let taken = self.take(&request.video, frame_index, wanted, picture);
                match taken.await? {
                    Some(found) => return Ok(found),
                    None => continue,
                }
            }
            let sample = clip.samples.get(running.next);
            let is_boundary = sample.is_none_or(|sample| sample.is_key);
            let is_beyond =
                running.next > place && (is_boundary || running.next > place + MOST_AHEAD);
            if is_beyond {
                return self.flushed(request, clip, is_boundary).await;
            }
            match sample {
                Some(sample) if running.decoder.waiting() < AT_A_TIME => {
                    running.push(sample, clip)?;
                }
                _ => running.decoder.listen().await,
            }
        }
    }

    /// Has the decoder give all that it has: the wanted frame is in it, or will never come.
    async fn flushed(
        &mut self,
        request: &VideoRequest,
        clip: &Clip,
        is_boundary: bool,
    ) -> Result<Ready, String> {
        let wanted = request.frame_index;
        let running = self.running.as_mut().ok_or("the decoder is gone")?;
        running.decoder.flush().await?;
        let mut found = None;
        loop {
            let running = self.running.as_mut().ok_or("the decoder is gone")?;
            let Some((frame_index, picture)) = running.next_picture()? else {
                break;
            };
            let taken = self.take(&request.video, frame_index, wanted, picture);
            found = taken.await?.or(found);
        }
        // After this only a key picture may follow.
        let ended = self.running.as_ref().map(|it| it.next) == Some(clip.samples.len());
        if !is_boundary || ended {
            self.running = None;
        } else if let Some(running) = &mut self.running {
            running.inside.clear();
        }
        found.ok_or_else(|| format!("the browser's video decoder gave no frame {}", wanted + 1))
    }

    /// Keeps a decoded frame, or gives it back where it is the wanted one.
    async fn take(
        &mut self,
        video: &str,
        frame_index: usize,
        wanted: usize,
        picture: Picture,
    ) -> Result<Option<Ready>, String> {
        let size = picture.size();
        let bytes = size[0] as usize * size[1] as usize * 3;
        let most = (MOST_FRAME_BYTES / bytes.max(1)).max(1);
        // Frames that would make room for others before the wanted one comes are not converted.
        let is_far = frame_index < wanted && wanted - frame_index > most / 2;
        let is_here = |it: &Ready| it.video == video && it.frame_index == frame_index;
        if is_far || self.ready.iter().any(is_here) {
            return Ok(None);
        }
        let rgba = picture.rgba().await?;
        drop(picture);
        let (pixels, _) = rgba.as_chunks::<4>();
        let rgb = pixels.iter().flat_map(|[r, g, b, _]| [*r, *g, *b]);
        let ready = Ready {
            video: video.to_owned(),
            frame_index,
            size,
            rgb: rgb.collect(),
        };
        if frame_index == wanted {
            return Ok(Some(ready));
        }
        while self.ready.len() >= most
            || self.ready.iter().map(|it| it.rgb.len()).sum::<usize>() + bytes > MOST_FRAME_BYTES
        {
            if self.ready.pop_front().is_none() {
                break;
            }
        }
        self.ready.push_back(ready);
        Ok(None)
    }
}

fn config(clip: &Clip, size: [u32; 2]) -> Config<'_> {
    Config {
        codec: &clip.codec_string,
        description: clip.description.as_deref(),
        size,
    }
}

/// The clip of an answer of a server.
fn read(content_type: &str, mut body: Vec<u8>) -> Result<Clip, String> {
    let parts = multipart::parse(content_type, &body).map_err(|error| error.to_string())?;
    let part = parts.first().ok_or("the server's answer holds no video")?;
    // Cut out in place: a video may be large.
    let start = part.body.as_ptr().addr() - body.as_ptr().addr();
    let end = start + part.body.len();
    body.truncate(end);
    body.drain(..start);
    Clip::read(body).map_err(|error| error.to_string())
}
