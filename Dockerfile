# One image for the CPU and for NVIDIA GPUs; docs/guides/docker.md says how to build and run it.
# Python is the version that constraints.txt was tested with; Ubuntu 24.04, the base of NVIDIA's
# images, has another. CUDA's libraries come with torch's wheels and the driver from the host.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility,video

# The dependencies change rarely, so their layer comes before the code. TORCH_INDEX is the address
# of a package index with another build of torch, such as the smaller one without CUDA.
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY vqa/__init__.py vqa/__init__.py
ARG TORCH_INDEX=""
RUN if [ -n "$TORCH_INDEX" ]; then \
        pip install --constraint constraints.txt --index-url "$TORCH_INDEX" torch torchvision; \
    fi
RUN mkdir conf && pip install --constraint constraints.txt '.[demo,export,serve]'

COPY vqa vqa
COPY conf conf
RUN pip install --no-deps --force-reinstall .

# Any user may run it (`--user`), known to the image or not: what is written outside the mounted
# folders goes to a home and a cache that everybody may write to.
RUN mkdir --mode 1777 /cache /home/vqa /work
ENV HOME=/home/vqa \
    USER=vqa \
    TORCH_HOME=/cache/torch \
    HF_HOME=/cache/huggingface

# The folder of git is no part of the image; runs record this commit instead.
ARG COMMIT=unknown
ENV VQA_COMMIT=$COMMIT
LABEL org.opencontainers.image.revision=$COMMIT

WORKDIR /work
USER 1000:1000
ENTRYPOINT ["vqa"]
CMD ["--help"]
