// One upload with progress and cancel (XMLHttpRequest, since fetch tells no upload progress).

import { CallError, errorOf } from './api.js';

/** A file must be smaller than this, in bytes. */
export const LIMIT = 20 * 1024 * 1024;

/**
 * Uploads `file`, into the shared folder `folder` unless that is null. `onProgress` hears the
 * fraction done. Answers with `{done, cancel}`; `done` is what the server made of it.
 */
export function upload(file, { folder = null, onProgress = () => {} } = {}) {
  if (file.size >= LIMIT) return { done: Promise.reject(new CallError(413, 'too_large', '')), cancel: () => {} };
  const request = new XMLHttpRequest();
  const done = new Promise((resolve, reject) => {
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onload = () => {
      if (request.status < 300) return resolve(JSON.parse(request.responseText).file);
      return reject(errorOf(request.status, request.responseText, (name) => request.getResponseHeader(name)));
    };
    request.onerror = () => reject(new CallError(0, 'network', ''));
    request.onabort = () => reject(new CallError(0, 'cancelled', ''));
  });
  const form = new FormData();
  if (folder !== null) form.append('path', folder);
  form.append('file', file, file.name || 'picture.png');
  request.open('POST', '/api/upload');
  request.send(form);
  return { done, cancel: () => request.abort() };
}
